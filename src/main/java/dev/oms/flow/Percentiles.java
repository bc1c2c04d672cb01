package dev.oms.flow;

import dev.oms.job.SettlementMetrics;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * Percentiles of the settlement latency. They are interpolated from a histogram, so they are only as exact as its
 * buckets.
 */
@RegisterForReflection
record Percentiles(double p50Seconds, double p95Seconds, double p99Seconds) {
    /**
     * @param counts one for each interval of {@link SettlementMetrics#LATENCY_BOUNDS}
     * @return null if all counts are 0
     */
    static Percentiles of(long[] counts) {
        long total = 0;
        for (long count : counts) {
            total += count;
        }
        return total == 0
                ? null
                : new Percentiles(at(0.50, counts, total), at(0.95, counts, total), at(0.99, counts, total));
    }

    private static double at(double share, long[] counts, long total) {
        double rank = share * total;
        double lower = 0;
        for (int i = 0; i < SettlementMetrics.LATENCY_BOUNDS.size(); i++) {
            double upper = SettlementMetrics.LATENCY_BOUNDS.get(i).toMillis() / 1_000.0;
            if (rank <= counts[i]) {
                return rounded(lower + (upper - lower) * rank / counts[i]);
            }
            rank -= counts[i];
            lower = upper;
        }
        // Beyond the last bound, which is then all that is known.
        return lower;
    }

    private static double rounded(double seconds) {
        return Math.round(seconds * 1e5) / 1e5;
    }
}
