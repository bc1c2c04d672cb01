package dev.oms.bench;

import java.util.Arrays;

/**
 * The result of one run.
 *
 * @param value the figure itself, usually a rate per second
 * @param p50 median latency in milliseconds; NaN if the figure has no latencies
 * @param p99 99th percentile of the latency in milliseconds; NaN if the figure has no latencies
 */
record Sample(double value, double p50, double p99) {
    static Sample of(double value) {
        return new Sample(value, Double.NaN, Double.NaN);
    }

    static Sample of(double value, long[] nanos) {
        long[] sorted = nanos.clone();
        Arrays.sort(sorted);
        return new Sample(value, millis(sorted, 0.5), millis(sorted, 0.99));
    }

    /** A quantile by the nearest-rank method. */
    private static double millis(long[] sorted, double quantile) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.ceil(quantile * sorted.length) - 1] / 1e6;
    }
}
