package dev.oms.bench;

import java.util.Arrays;

/**
 * What one run gave.
 *
 * @param value the figure itself, as a rule how many a second
 * @param p50 milliseconds that half of the calls took at most; not a number where there are no calls
 * @param p99 the same for 99 of a hundred
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

    /** Nearest rank. */
    private static double millis(long[] sorted, double quantile) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.ceil(quantile * sorted.length) - 1] / 1e6;
    }
}
