package dev.oms.webhook;

import java.time.Duration;

/**
 * What became of a request to a receiver.
 *
 * @param status the HTTP status, or null if there was none
 * @param reason why it failed, in a few words that name nothing of OMS or its network; null if it succeeded
 * @param millis from connecting to the end of the answer; 0 if nothing was sent
 * @param response the beginning of the answer to a request that failed; null for others, and if there was none
 * @param retryAfter how long the receiver asks to be left alone; null if it does not
 */
record Outcome(Integer status, String reason, int millis, String response, Duration retryAfter) {
    private static final int GONE = 410;

    boolean isSuccess() {
        return reason == null;
    }

    /** Whether the receiver says that it wants nothing more. */
    boolean isGone() {
        return status != null && status == GONE;
    }
}
