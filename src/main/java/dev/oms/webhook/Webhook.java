package dev.oms.webhook;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;
import java.util.List;

/**
 * A webhook on the wire: an address to which events are sent.
 *
 * @param types the types of events that it gets; empty for all
 * @param status enabled or disabled
 * @param disabledReason operator; gone, after a response of 410; failing, after days without a success; or null
 * @param disabledBy the operator who disabled it, or null
 * @param failingSince its first failure since its last success, or null
 * @param pausedUntil when the next event is tried after too many failures in a row, or null
 * @param lagEvents how many events it is still to get: those that wait to be retried, and those of its types that have
 *     not been tried; if it is more than 10,000 events behind, those further on count whatever their type
 * @param lagSeconds the age of the oldest of these, or 0
 * @param lastDay attempts of the last 24 hours
 * @param lastFailure its last attempt that failed, in the last 30 days, or null
 * @param previousSecretUntil until when its previous secret signs too, or null
 */
@RegisterForReflection
record Webhook(
        long id,
        String url,
        List<String> types,
        String description,
        String status,
        Instant disabledAt,
        String disabledReason,
        String disabledBy,
        Instant failingSince,
        Instant pausedUntil,
        long lagEvents,
        long lagSeconds,
        Attempts lastDay,
        Failure lastFailure,
        Instant previousSecretUntil,
        String createdBy,
        Instant createdAt,
        String updatedBy,
        Instant updatedAt) {

    /**
     * How attempts ended.
     *
     * @param successRate 0 to 1, or null if there was none
     */
    @RegisterForReflection
    record Attempts(long succeeded, long failed, Double successRate) {
        static Attempts of(long succeeded, long failed) {
            long all = succeeded + failed;
            return new Attempts(succeeded, failed, all == 0 ? null : (double) succeeded / all);
        }
    }

    /**
     * An attempt that failed.
     *
     * @param status the HTTP status, or null if there was no response
     */
    @RegisterForReflection
    record Failure(Instant at, Integer status, String reason) {}

    boolean isEnabled() {
        return disabledAt == null;
    }
}
