package dev.oms.flow;

import dev.oms.event.EventFeed;
import dev.oms.http.Causes;
import dev.oms.job.JobConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.quarkus.scheduler.common.runtime.util.SchedulerUtils;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.jboss.logging.Logger;

/**
 * A gauge of how long a transaction has held the feed of events back: readers and webhooks get nothing meanwhile, and
 * no other figure shows it. Like the {@link JobGauges}, workers alone have it, and it is NaN while PostgreSQL does not
 * answer.
 */
@ApplicationScoped
class FeedGauge {
    private static final Logger LOG = Logger.getLogger(FeedGauge.class);

    private final EventFeed feed;
    private final MeterRegistry meters;
    private final boolean isOn;
    private volatile double heldBackSeconds = Double.NaN;

    FeedGauge(EventFeed feed, MeterRegistry meters, JobConfig config) {
        this.feed = feed;
        this.meters = meters;
        this.isOn = !SchedulerUtils.isOff(config.gauges().every());
    }

    void start(@Observes StartupEvent event) {
        if (isOn) {
            Gauge.builder("oms.feed.held.back.seconds", () -> heldBackSeconds)
                    .description("For how long a transaction that has not ended has held back committed events.")
                    .register(meters);
        }
    }

    // A virtual thread, because a server that has fallen silent would hold one of the blocking pool.
    @RunOnVirtualThread
    @Scheduled(every = "{oms.job.gauges.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void refresh() {
        try {
            heldBackSeconds = feed.heldBack().toMillis() / 1_000.0;
        } catch (RuntimeException e) {
            heldBackSeconds = Double.NaN;
            LOG.debugf(
                    "Cannot find out whether the feed is held back: %s",
                    Causes.root(e).getMessage());
        }
    }
}
