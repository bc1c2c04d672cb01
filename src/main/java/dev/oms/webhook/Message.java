package dev.oms.webhook;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.event.EventView;
import dev.oms.event.FeedEvent;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

/**
 * What is sent of an event, the same to every endpoint and in every attempt.
 *
 * @param position the event's; 0 for a test
 * @param id the value of {@code webhook-id}: the event's id in the feed. Two endpoints get an event under one id, so
 *     that a receiver behind both notices the second
 */
record Message(long position, Subject subject, String type, Instant createdAt, String id, byte[] body) {
    static final String TEST_TYPE = "webhook.test";

    /** Whose events keep their order. */
    record Subject(String name, long id) {}

    /** @param epoch the database that the event was read from */
    static Message of(FeedEvent event, long epoch, ObjectMapper mapper) {
        EventView view = EventView.of(event, epoch);
        return new Message(
                event.position(),
                new Subject(event.subject(), event.subjectId()),
                event.type(),
                event.createdAt(),
                view.id(),
                json(view, mapper));
    }

    /** A test message. */
    static Message test(Subject subject, Instant now, ObjectMapper mapper) {
        String id = "test_" + UUID.randomUUID();
        byte[] body = json(Map.of("id", id, "type", TEST_TYPE, "created_at", now), mapper);
        return new Message(Webhooks.TEST, subject, TEST_TYPE, now, id, body);
    }

    private static byte[] json(Object value, ObjectMapper mapper) {
        try {
            return mapper.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
