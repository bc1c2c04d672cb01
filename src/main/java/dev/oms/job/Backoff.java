package dev.oms.job;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long a job that failed is left alone: attempts⁴ + 15 seconds, and some jitter so that jobs that failed together
 * do not come back together. The 25th failure is the last, after about 21 days.
 *
 * @see <a href="https://github.com/sidekiq/sidekiq/wiki/Error-Handling">Sidekiq's formula</a>
 */
final class Backoff {
    /** The failures after which a job is dead. */
    static final int ATTEMPTS_MAX = 25;

    private static final int BASE_SECONDS = 15;
    private static final int JITTER_SECONDS = 10;

    private Backoff() {}

    /** The pause after so many failures, 1 to {@link #ATTEMPTS_MAX}. */
    static Duration after(int attempts, RandomGenerator random) {
        long grownSeconds = (long) attempts * attempts * attempts * attempts;
        long jitterMillis = random.nextLong(JITTER_SECONDS * 1000L * (attempts + 1));
        return Duration.ofSeconds(grownSeconds + BASE_SECONDS).plusMillis(jitterMillis);
    }
}
