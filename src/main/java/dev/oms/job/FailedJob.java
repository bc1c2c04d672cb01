package dev.oms.job;

import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Clock;
import java.time.Instant;
import java.util.random.RandomGenerator;

/** A job that failed for a reason of its own: it is tried again when its time has come, or is dead. */
@Entity
@Table(name = "failed_jobs")
public class FailedJob {
    @Id
    private long orderId;

    private int attempts;
    private String lastError;
    private Instant nextAttemptAt;
    private Instant deadAt;

    protected FailedJob() {}

    /** An order's job that has not failed yet. */
    FailedJob(long orderId) {
        this.orderId = orderId;
    }

    /**
     * A job that names no order, with its raw text: there is nothing to try, so it is dead at once.
     *
     * @param surrogateId {@link Job#surrogateId()}, negative
     */
    FailedJob(long surrogateId, String raw, Instant now) {
        this.orderId = surrogateId;
        this.attempts = 1;
        this.lastError = "The job names no order: " + raw;
        this.deadAt = now;
    }

    /** Counts a failure, and puts off the next attempt or gives up. */
    void fail(String error, Clock clock, RandomGenerator random) {
        Instant now = clock.instant();
        attempts++;
        lastError = error;
        deadAt = attempts >= Backoff.ATTEMPTS_MAX ? now : null;
        nextAttemptAt = deadAt == null ? now.plus(Backoff.after(attempts, random)) : null;
    }

    /** Forgets the failures but the last one's error: it may be tried at once, as often as a new one. */
    void revive(Instant now) {
        attempts = 0;
        deadAt = null;
        nextAttemptAt = now;
    }

    /** Whether there is an order that it could be tried for. */
    boolean hasOrder() {
        return orderId >= 0;
    }

    int attempts() {
        return attempts;
    }

    boolean isDead() {
        return deadAt != null;
    }

    FailedJobView view() {
        return new FailedJobView(orderId, attempts, lastError, nextAttemptAt, deadAt);
    }

    /** A failed job on the wire. */
    @RegisterForReflection
    record FailedJobView(long orderId, int attempts, String lastError, Instant nextAttemptAt, Instant deadAt) {}
}
