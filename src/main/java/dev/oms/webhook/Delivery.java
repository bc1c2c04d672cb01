package dev.oms.webhook;

import dev.oms.webhook.Message.Subject;
import java.time.Instant;

/** An event on its way to one endpoint. Used by the dispatching thread only. */
final class Delivery {
    /** Due as soon as it is the first of its subject. */
    static final long NOT_DUE = Long.MAX_VALUE;

    final long position;
    final Subject subject;

    /** When the event was made; null for a test, and for one that is not in the log. */
    final Instant createdAt;

    /** Null until it has been read from the log. */
    Message message;

    /** Attempts made before. */
    int attempts;

    /** When to send it, by {@link System#nanoTime}; for one that is retried. */
    long dueNanos = NOT_DUE;

    /** Whether it is stored among the retries, behind the cursor. */
    boolean isRetry;

    /** Whether the event is delivered or stored among the retries, so that the cursor may pass it. */
    boolean isDone;

    /** Whether it was sent while the endpoint was paused. */
    boolean isProbe;

    Delivery(Message message) {
        this.position = message.position();
        this.subject = message.subject();
        this.createdAt = message.createdAt();
        this.message = message;
    }

    /** One that is stored among the retries. */
    Delivery(long position, Subject subject, Instant createdAt, int attempts, long dueNanos) {
        this.position = position;
        this.subject = subject;
        this.createdAt = createdAt;
        this.attempts = attempts;
        this.dueNanos = dueNanos;
        this.isRetry = true;
    }

    boolean isTest() {
        return position == Webhooks.TEST;
    }
}
