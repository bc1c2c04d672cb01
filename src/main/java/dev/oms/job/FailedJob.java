package dev.oms.job;

import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Clock;
import java.time.Instant;
import java.util.random.RandomGenerator;

/** A job that failed because of its own data, not because of an outage; it will be retried, or is dead. */
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

    /** The job of an order, with no failure yet. */
    FailedJob(long orderId) {
        this.orderId = orderId;
    }

    /**
     * A job that names no order. There is nothing to retry, so it is dead at once.
     *
     * @param surrogateId {@link Job#surrogateId()}, negative
     * @param raw the text of the stream entry
     */
    FailedJob(long surrogateId, String raw, Instant now) {
        this.orderId = surrogateId;
        this.attempts = 1;
        this.lastError = "The job names no order: " + raw;
        this.deadAt = now;
    }

    /** Counts a failure and schedules the next attempt, or marks the job dead after the last one. */
    void fail(String error, Clock clock, RandomGenerator random) {
        Instant now = clock.instant();
        attempts++;
        lastError = error;
        deadAt = attempts >= Backoff.ATTEMPTS_MAX ? now : null;
        nextAttemptAt = deadAt == null ? now.plus(Backoff.after(attempts, random)) : null;
    }

    /** Makes the job due at once, with as many attempts as a new one. Keeps the last error. */
    void revive(Instant now) {
        attempts = 0;
        deadAt = null;
        nextAttemptAt = now;
    }

    /** Whether the job names an order, so that it can be retried. */
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
