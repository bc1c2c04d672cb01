package dev.oms.job;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * The delay before a failed job is retried: attempts⁴ + 15 seconds, plus jitter so that jobs that failed together are
 * not retried together. The 25th failure is the last, after about 21 days.
 *
 * @see <a href="https://github.com/sidekiq/sidekiq/wiki/Error-Handling">Sidekiq's formula</a>
 */
final class Backoff {
    /** The number of failures after which a job is dead. */
    static final int ATTEMPTS_MAX = 25;

    private static final int BASE_SECONDS = 15;
    private static final int JITTER_SECONDS = 10;

    private Backoff() {}

    /** Whether a job that has failed this often is dead. */
    static boolean isExhausted(int attempts) {
        return attempts >= ATTEMPTS_MAX;
    }

    /**
     * The delay after a failure.
     *
     * @param attempts how many times the job has failed, 1 to {@link #ATTEMPTS_MAX}
     */
    static Duration after(int attempts, RandomGenerator random) {
        long grownSeconds = (long) attempts * attempts * attempts * attempts;
        long jitterMillis = random.nextLong(JITTER_SECONDS * 1000L * (attempts + 1));
        return Duration.ofSeconds(grownSeconds + BASE_SECONDS).plusMillis(jitterMillis);
    }
}
