package dev.oms.job;

import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

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

    /** Whether the job names an order, so that it can be retried. */
    boolean hasOrder() {
        return orderId >= 0;
    }

    long orderId() {
        return orderId;
    }

    FailedJobView view() {
        return new FailedJobView(orderId, attempts, lastError, nextAttemptAt, deadAt);
    }

    /** A failed job on the wire. */
    @RegisterForReflection
    record FailedJobView(long orderId, int attempts, String lastError, Instant nextAttemptAt, Instant deadAt) {}
}
