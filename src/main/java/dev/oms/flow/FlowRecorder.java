package dev.oms.flow;

import dev.oms.flow.FlowBuckets.Bucket;
import dev.oms.job.SettlementMetrics;
import dev.oms.order.PlacementMetrics;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.quarkus.scheduler.common.runtime.util.SchedulerUtils;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.spi.ObserverMethod;
import jakarta.interceptor.Interceptor;
import java.time.Clock;
import java.util.List;
import java.util.TreeMap;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Reports to Redis, once a second, how many orders this process has placed and settled since its last report. It reads
 * the meters, so the code that places and settles is not involved. Counts that cannot be reported are kept for the next
 * report.
 */
@Startup(FlowRecorder.BEFORE_SCHEDULER)
@ApplicationScoped
class FlowRecorder {
    private static final Logger LOG = Logger.getLogger(FlowRecorder.class);

    /** So that the first totals are taken before this process places or settles anything. */
    static final int BEFORE_SCHEDULER = Interceptor.Priority.PLATFORM_BEFORE - 1;

    private static final int AFTER_CONSUMER = ObserverMethod.DEFAULT_PRIORITY + 1;

    private final FlowBuckets buckets;
    private final PlacementMetrics placements;
    private final SettlementMetrics settlements;
    private final Clock clock;
    private final boolean isOn;

    // Guarded by this.
    private final TreeMap<Long, Bucket> unreported = new TreeMap<>();
    private Bucket lastTotals;

    FlowRecorder(
            FlowBuckets buckets,
            PlacementMetrics placements,
            SettlementMetrics settlements,
            Clock clock,
            @ConfigProperty(name = "oms.flow.every") String every) {
        this.buckets = buckets;
        this.placements = placements;
        this.settlements = settlements;
        this.clock = clock;
        this.isOn = !SchedulerUtils.isOff(every);
        this.lastTotals = totals(0);
    }

    private Bucket totals(long start) {
        return new Bucket(start, placements.placed(), settlements.settled(), settlements.latencies());
    }

    @Scheduled(every = "{oms.flow.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void run() {
        report();
    }

    /** Reports the last second, after the consumer has settled its last batch. */
    void stop(@Observes @Priority(AFTER_CONSUMER) ShutdownEvent event) {
        if (isOn) {
            report();
        }
    }

    private synchronized void report() {
        Bucket totals = totals(FlowBuckets.startOf(clock.instant()));
        Bucket increase = totals.minus(lastTotals);
        lastTotals = totals;
        if (!increase.isEmpty()) {
            unreported.merge(increase.start(), increase, Bucket::plus);
        }
        while (unreported.size() > FlowBuckets.COUNT) {
            unreported.pollFirstEntry();
        }
        if (unreported.isEmpty()) {
            return;
        }
        try {
            buckets.add(List.copyOf(unreported.values()));
            unreported.clear();
        } catch (RuntimeException e) {
            LOG.debug("The counts of placed and settled orders are reported later", e);
        }
    }
}
