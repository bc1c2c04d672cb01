package dev.oms.webhook;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;

/**
 * An attempt to send an event, on the wire.
 *
 * @param eventId the event's id in the feed, or null for a test
 * @param subject what the event is about: order or item; or null for a test
 * @param attempt 1 for the first
 * @param status the HTTP status, or null if there was no response
 * @param reason why it failed, or null
 * @param response the beginning of the response, if it failed and there was one
 */
@RegisterForReflection
record WebhookAttempt(
        long id,
        String eventId,
        String type,
        String subject,
        Long subjectId,
        int attempt,
        Instant attemptedAt,
        Outcome outcome,
        Integer status,
        String reason,
        int durationMs,
        String response) {

    /** Lower case on the wire. */
    enum Outcome {
        succeeded,
        failed
    }
}
