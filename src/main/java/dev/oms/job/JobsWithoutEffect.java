package dev.oms.job;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Counts jobs that settle nothing. Some find nothing due: a job may be delivered twice, and a cancelled order leaves
 * its job behind. Many that name no order here are a sign that another installation uses the same stream, and each
 * settles only what it happens to get of its own.
 */
@ApplicationScoped
class JobsWithoutEffect {
    private static final Logger LOG = Logger.getLogger(JobsWithoutEffect.class);

    private static final long WINDOW_NANOS = Duration.ofMinutes(1).toNanos();
    private static final long REPEAT_NANOS = Duration.ofMinutes(10).toNanos();

    /** So many jobs of unknown orders within a minute, a tenth of all jobs, are told. */
    private static final int MANY = 20;

    private static final int SHARE = 10;

    private final Counter jobsOfUnknownOrders;
    private final Counter jobsWithNothingDue;
    private final LongSupplier nanoTime;

    // Guarded by this.
    private long startNanos;
    private long jobs;
    private long unknown;
    private long warnedNanos;

    @Inject
    JobsWithoutEffect(MeterRegistry meters) {
        this(meters, System::nanoTime);
    }

    JobsWithoutEffect(MeterRegistry meters, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        startNanos = nanoTime.getAsLong();
        warnedNanos = startNanos - REPEAT_NANOS;
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
        long now = nanoTime.getAsLong();
        if (now - startNanos > WINDOW_NANOS) {
            startNanos = now;
            this.jobs = this.unknown = 0;
        }
        this.jobs += jobs;
        this.unknown += unknown;
        if (this.unknown >= MANY && this.unknown * SHARE >= this.jobs && now - warnedNanos >= REPEAT_NANOS) {
            warnedNanos = now;
            LOG.warnf(
                    "Of %d jobs, %d name no order of this database. Unless it was restored to an earlier state, another "
                            + "installation uses the same Redis: give each an OMS_REDIS_PREFIX or a Redis database of its "
                            + "own.",
                    this.jobs, this.unknown);
        }
    }
}
