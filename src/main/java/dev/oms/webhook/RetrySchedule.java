package dev.oms.webhook;

import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * When a failed event is sent again, and when an endpoint that fails is tried again. Each time differs by up to a
 * tenth, so that what failed together is not sent together.
 *
 * @see <a href="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md">Standard
 *     Webhooks, "Retry schedule"</a>
 */
final class RetrySchedule {
    private static final List<Duration> DELAYS = List.of(
            Duration.ofSeconds(5),
            Duration.ofMinutes(5),
            Duration.ofMinutes(30),
            Duration.ofHours(2),
            Duration.ofHours(5),
            Duration.ofHours(10),
            Duration.ofHours(14),
            Duration.ofHours(20),
            Duration.ofHours(24));

    /** The number of attempts after which an event is given up. */
    static final int ATTEMPTS_MAX = DELAYS.size() + 1;

    /** The number of failures in a row after which an endpoint gets one event at a time. */
    static final int FAILURES_MAX = 10;

    /** The longest {@code Retry-After} that is honoured. */
    static final Duration RETRY_AFTER_MAX = Duration.ofDays(1);

    private static final Duration PROBE_MIN = Duration.ofSeconds(5);
    private static final Duration PROBE_MAX = Duration.ofMinutes(5);

    private static final double JITTER = 0.1;

    private RetrySchedule() {}

    /**
     * The delay after an attempt that failed.
     *
     * @param attempts how many have failed, at least 1; beyond {@link #ATTEMPTS_MAX} the delay stays the same
     */
    static Duration after(int attempts, RandomGenerator random) {
        return jitter(DELAYS.get(Math.min(attempts, DELAYS.size()) - 1), random);
    }

    /**
     * How long an endpoint is left alone.
     *
     * @param failures in a row, at least {@link #FAILURES_MAX}
     */
    static Duration pause(int failures, RandomGenerator random) {
        int doublings = Math.min(failures - FAILURES_MAX, 10);
        Duration grown = PROBE_MIN.multipliedBy(1L << doublings);
        return jitter(grown.compareTo(PROBE_MAX) < 0 ? grown : PROBE_MAX, random);
    }

    private static Duration jitter(Duration delay, RandomGenerator random) {
        double factor = 1 + JITTER * (2 * random.nextDouble() - 1);
        return Duration.ofMillis(Math.round(delay.toMillis() * factor));
    }
}
