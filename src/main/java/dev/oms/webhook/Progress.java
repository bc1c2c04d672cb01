package dev.oms.webhook;

import dev.oms.webhook.Message.Subject;
import java.util.List;

/**
 * What has become of an endpoint since its row was last written. Immutable, because another thread stores it.
 *
 * @param subscription the URL and the types to which it was sent
 * @param was the cursor in the row
 * @param position the cursor from now on
 * @param failures in a row
 * @param pauseMillis until the next attempt; null when it is not paused
 * @param isFailing whether the last attempt has failed
 * @param hasFailed whether an attempt has failed
 * @param hasSucceeded whether an attempt has succeeded
 * @param isGone whether the receiver wants nothing more
 * @param added retries that are new
 * @param changed retries that have failed again
 * @param removed the positions of retries that are done
 */
record Progress(
        long endpointId,
        String subscription,
        long was,
        long position,
        int failures,
        Long pauseMillis,
        boolean isFailing,
        boolean hasFailed,
        boolean hasSucceeded,
        boolean isGone,
        List<Attempt> attempts,
        List<Retry> added,
        List<Retry> changed,
        List<Long> removed) {

    /** @param attempt 1 for the first */
    record Attempt(long position, int attempt, long endedNanos, Outcome outcome) {}

    /** @param dueNanos by {@link System#nanoTime}, or {@link Delivery#NOT_DUE} */
    record Retry(long position, Subject subject, int attempts, long dueNanos) {
        static Retry of(Delivery delivery) {
            return new Retry(delivery.position, delivery.subject, delivery.attempts, delivery.dueNanos);
        }
    }
}
