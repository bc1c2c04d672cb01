package dev.oms.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.job.SettlementMetrics;
import org.junit.jupiter.api.Test;

class PercentilesTest {
    private final long[] counts = new long[SettlementMetrics.LATENCY_BOUNDS.size() + 1];

    @Test
    void areNullWithoutCounts() {
        assertThat(Percentiles.of(counts)).isNull();
    }

    @Test
    void areInterpolatedWithinABucket() {
        // 2 ms to 5 ms, and 100 ms to 200 ms.
        counts[2] = 90;
        counts[7] = 10;

        Percentiles percentiles = Percentiles.of(counts);

        assertThat(percentiles.p50Seconds()).isEqualTo(0.00367);
        assertThat(percentiles.p95Seconds()).isEqualTo(0.15);
        assertThat(percentiles.p99Seconds()).isEqualTo(0.19);
    }

    @Test
    void areTheLastBoundForAnythingBeyondIt() {
        counts[counts.length - 1] = 1;

        assertThat(Percentiles.of(counts)).isEqualTo(new Percentiles(300, 300, 300));
    }
}
