package dev.oms.access;

import java.util.concurrent.TimeUnit;

/**
 * How much a caller may ask for: so many units a second, and as many at once. A call costs one unit, an expensive one
 * costs more.
 *
 * <p>Kept by the generic cell rate algorithm: one number, the theoretical arrival time of the next unit if the caller
 * sent them evenly, tells how much is left.
 *
 * @param unitsPerSecond at least 1
 * @see <a href="https://www.itu.int/rec/T-REC-I.371-200403-I/en">ITU-T I.371, Annex A, GCRA</a>
 */
record Quota(int unitsPerSecond) {
    private static final long MICROS_PER_SECOND = TimeUnit.SECONDS.toMicros(1);

    /**
     * The outcome of a request for units.
     *
     * @param granted the units granted; 0 if too few were left
     * @param arrivalMicros the theoretical arrival time afterwards
     * @param remaining the units left
     * @param waitMicros how long until a refused request would be granted, or, after a grant, until the quota is full
     */
    record Decision(long granted, long arrivalMicros, long remaining, long waitMicros) {
        /** Whole seconds, rounded up. */
        long waitSeconds() {
            return Math.ceilDiv(waitMicros, MICROS_PER_SECOND);
        }

        /** As the header {@code RateLimit} has it. */
        String header() {
            return "\"default\";r=" + remaining + ";t=" + waitSeconds();
        }
    }

    /**
     * Decides in this process. {@link RedisQuotas}'s script does the same in Redis.
     *
     * @param atLeast the units needed now: fewer are not granted
     * @param atMost the units to take if there are as many
     */
    Decision take(long atLeast, long atMost, long arrivalMicros, long nowMicros) {
        long aheadMicros = Math.clamp(arrivalMicros - nowMicros, 0, MICROS_PER_SECOND);
        long available = (MICROS_PER_SECOND - aheadMicros) * unitsPerSecond / MICROS_PER_SECOND;
        if (available < atLeast) {
            // Rounded up, so that it is never 0.
            long neededMicros = Math.ceilDiv(atLeast * MICROS_PER_SECOND, unitsPerSecond);
            return new Decision(0, arrivalMicros, available, aheadMicros + neededMicros - MICROS_PER_SECOND);
        }
        long granted = Math.min(available, atMost);
        long ahead = aheadMicros + microsOf(granted);
        return new Decision(granted, nowMicros + ahead, available - granted, ahead);
    }

    private long microsOf(long units) {
        return units * MICROS_PER_SECOND / unitsPerSecond;
    }
}
