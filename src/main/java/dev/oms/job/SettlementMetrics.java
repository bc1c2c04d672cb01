package dev.oms.job;

import dev.oms.job.Settlement.Outcome;
import dev.oms.order.OrderStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.CountAtBucket;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/** Counts what is settled, and for how long it waited. */
@ApplicationScoped
public class SettlementMetrics {
    /** The upper bounds of the latency histogram's buckets, but for the last one, which has none. */
    public static final List<Duration> LATENCY_BOUNDS = LongStream.of(
                    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 300_000)
            .mapToObj(Duration::ofMillis)
            .toList();

    private final Clock clock;
    private final Counter confirmed;
    private final Counter rejected;
    private final Counter restored;
    private final Timer latency;
    private final Timer seconds;
    private final DistributionSummary orders;

    SettlementMetrics(MeterRegistry meters, Clock clock) {
        this.clock = clock;
        confirmed = counter(meters, "confirmed");
        rejected = counter(meters, "rejected");
        restored = counter(meters, "restored");
        latency = Timer.builder("oms.settlement.latency")
                .description("From when an order's job was last sent until its stock was settled.")
                .serviceLevelObjectives(LATENCY_BOUNDS.toArray(Duration[]::new))
                .register(meters);
        seconds = Timer.builder("oms.batch")
                .description("How long a batch took to be settled, its commit included.")
                .serviceLevelObjectives(LATENCY_BOUNDS.toArray(Duration[]::new))
                .register(meters);
        orders = DistributionSummary.builder("oms.batch.orders")
                .description("How many orders a batch settled.")
                .serviceLevelObjectives(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000)
                .register(meters);
    }

    private static Counter counter(MeterRegistry meters, String outcome) {
        return Counter.builder("oms.orders.settled")
                .description("Orders whose stock was settled: confirmed, rejected, or restored after a cancel.")
                .tag("outcome", outcome)
                .register(meters);
    }

    /** A batch begins. */
    Batch batch() {
        return new Batch();
    }

    /** Orders that are settled together; nothing counts unless they are committed. */
    final class Batch {
        private final Instant started = clock.instant();
        private Instant[] enqueuedAt = new Instant[16];
        private int size;

        /** Another order, with the time from which it waited. */
        void add(Instant enqueued) {
            if (size == enqueuedAt.length) {
                enqueuedAt = Arrays.copyOf(enqueuedAt, 4 * size);
            }
            enqueuedAt[size++] = enqueued;
        }

        /** They are committed. */
        void committed(List<Outcome> outcomes) {
            Instant now = clock.instant();
            for (Outcome outcome : outcomes) {
                switch (outcome.status()) {
                    case OrderStatus.Confirmed -> confirmed.increment();
                    case OrderStatus.Rejected -> rejected.increment();
                    default -> restored.increment();
                }
            }
            for (int i = 0; i < size; i++) {
                // Web's clock may be ahead.
                Duration waited = Duration.between(enqueuedAt[i], now);
                latency.record(waited.isNegative() ? Duration.ZERO : waited);
            }
            if (!outcomes.isEmpty()) {
                orders.record(outcomes.size());
                seconds.record(Duration.between(started, now));
            }
        }
    }

    /** How many orders were settled since the start. */
    public long settled() {
        return (long) (confirmed.count() + rejected.count() + restored.count());
    }

    /** How many of them had waited, by the {@link #LATENCY_BOUNDS}: one more than there are bounds. */
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
