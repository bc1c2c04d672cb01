package dev.oms.job;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import org.jboss.logging.Logger;

/**
 * Counts jobs that settle nothing. A few are normal: a job may be delivered twice. Many are a sign that another
 * installation uses the same stream, and each settles only what it happens to get of its own.
 */
@ApplicationScoped
class JobsWithoutEffect {
    private static final Logger LOG = Logger.getLogger(JobsWithoutEffect.class);

    private static final long WINDOW_NANOS = Duration.ofMinutes(1).toNanos();
    private static final long REPEAT_NANOS = Duration.ofMinutes(10).toNanos();

    /** Many: so many within a minute, and a tenth of all jobs. */
    private static final int MANY = 20;

    private static final int SHARE = 10;

    private final Counter jobsOfUnknownOrders;
    private final Counter jobsWithNothingDue;

    // Guarded by this.
    private long startNanos = System.nanoTime();
    private long jobs;
    private long unknown;
    private long nothingDue;
    private long warnedNanos = System.nanoTime() - REPEAT_NANOS;

    JobsWithoutEffect(MeterRegistry meters) {
        jobsOfUnknownOrders = counter(meters, "unknown_order");
        jobsWithNothingDue = counter(meters, "nothing_due");
    }

    private static Counter counter(MeterRegistry meters, String reason) {
        return Counter.builder("oms.jobs.without.effect")
                .description("Jobs that settled nothing: their order does not exist, or has nothing due.")
                .tag("reason", reason)
                .register(meters);
    }

    /** Adds the jobs of a batch, some of which had no effect. */
    synchronized void add(int jobs, int unknown, int nothingDue) {
        jobsOfUnknownOrders.increment(unknown);
        jobsWithNothingDue.increment(nothingDue);
        long now = System.nanoTime();
        if (now - startNanos > WINDOW_NANOS) {
            startNanos = now;
            this.jobs = this.unknown = this.nothingDue = 0;
        }
        this.jobs += jobs;
        this.unknown += unknown;
        this.nothingDue += nothingDue;
        long without = this.unknown + this.nothingDue;
        if (without >= MANY && without * SHARE >= this.jobs && now - warnedNanos >= REPEAT_NANOS) {
            warnedNanos = now;
            LOG.warnf(
                    "Of %d jobs, %d name no order of this database, and the orders of %d have nothing due. After an outage "
                            + "this is normal. Otherwise another installation uses the same Redis: give each an "
                            + "OMS_REDIS_PREFIX or a Redis database of its own.",
                    this.jobs, this.unknown, this.nothingDue);
        }
    }
}
