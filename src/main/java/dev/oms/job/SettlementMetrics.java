package dev.oms.job;

import dev.oms.job.Settlement.Outcome;
import dev.oms.order.OrderStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.CountAtBucket;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** Meters of settled orders, their latency, and batches. */
@ApplicationScoped
public class SettlementMetrics {
    /** The upper bounds of the latency histogram's buckets. One more bucket counts everything above the last bound. */
    public static final List<Duration> LATENCY_BOUNDS = LongStream.of(
                    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 300_000)
            .mapToObj(Duration::ofMillis)
            .toList();

    private final Counter confirmed;
    private final Counter rejected;
    private final Counter restored;
    private final Timer latency;
    private final Timer seconds;
    private final DistributionSummary orders;

    SettlementMetrics(MeterRegistry meters) {
        confirmed = counter(meters, "confirmed");
        rejected = counter(meters, "rejected");
        restored = counter(meters, "restored");
        latency = Timer.builder("oms.settlement.latency")
                .description("Time from when an order's job was last sent until its stock was settled.")
                .serviceLevelObjectives(LATENCY_BOUNDS.toArray(Duration[]::new))
                .register(meters);
        seconds = Timer.builder("oms.batch")
                .description("Time to settle a batch, including the commit.")
                .serviceLevelObjectives(LATENCY_BOUNDS.toArray(Duration[]::new))
                .register(meters);
        orders = DistributionSummary.builder("oms.batch.orders")
                .description("Orders settled per batch.")
                .serviceLevelObjectives(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000)
                .register(meters);
    }

    private static Counter counter(MeterRegistry meters, String outcome) {
        return Counter.builder("oms.orders.settled")
                .description("Orders whose stock was settled: confirmed, rejected, or restored after a cancel.")
                .tag("outcome", outcome)
                .register(meters);
    }

    /** Starts the measurement of a batch. */
    Batch batch() {
        return new Batch();
    }

    /** The measurement of one batch. Nothing is recorded before {@link #committed}. */
    final class Batch {
        private final long startedNanos = System.nanoTime();
        private final Map<Long, Instant> enqueuedAt = new HashMap<>();
        private Instant lockedAt;
        private long lockedNanos;

        /** Sets the time by PostgreSQL's clock, which also stamps the orders. */
        void lockedAt(Instant now) {
            lockedAt = now;
            lockedNanos = System.nanoTime();
        }

        /** Adds an order by the time its job was sent. */
        void add(long orderId, Instant enqueued) {
            enqueuedAt.put(orderId, enqueued);
        }

        /** Records the orders that were settled, after the commit. */
        void committed(List<Outcome> outcomes) {
            if (outcomes.isEmpty()) {
                return;
            }
            long nowNanos = System.nanoTime();
            Instant now = lockedAt.plusNanos(nowNanos - lockedNanos);
            for (Outcome outcome : outcomes) {
                switch (outcome.status()) {
                    case OrderStatus.Confirmed -> confirmed.increment();
                    case OrderStatus.Rejected -> rejected.increment();
                    default -> restored.increment();
                }
                // Negative if PostgreSQL's clock was set back.
                Duration waited = Duration.between(enqueuedAt.get(outcome.orderId()), now);
                latency.record(waited.isNegative() ? Duration.ZERO : waited);
            }
            orders.record(outcomes.size());
            seconds.record(Duration.ofNanos(nowNanos - startedNanos));
        }
    }

    /** The number of orders settled since this process started. */
    public long settled() {
        return (long) (confirmed.count() + rejected.count() + restored.count());
    }

    /** Settled orders by latency: a count for each of {@link #LATENCY_BOUNDS}, and a last one for everything above. */
    public long[] latencies() {
        long[] counts = new long[LATENCY_BOUNDS.size() + 1];
        long below = 0;
        CountAtBucket[] buckets = latency.takeSnapshot().histogramCounts();
        for (int i = 0; i < counts.length && i < buckets.length; i++) {
            long upTo = (long) buckets[i].count();
            counts[i] = upTo - below;
            below = upTo;
        }
        counts[counts.length - 1] = latency.count() - below;
        return counts;
    }
}
