package dev.oms.event;

import com.fasterxml.jackson.annotation.JsonRawValue;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;

/**
 * An event on the wire: in the feed, as a page or a stream, and in webhooks.
 *
 * @param id unique, and the cursor that continues after this event
 * @param detail JSON, or null
 */
@RegisterForReflection
public record EventView(
        String id,
        String type,
        String subject,
        long subjectId,
        long version,
        String actor,
        @JsonRawValue String detail,
        Instant createdAt) {
    /**
     * An event on the wire.
     *
     * @param epoch the database that it was read from
     */
    public static EventView of(FeedEvent event, long epoch) {
        return new EventView(
                new Cursor(epoch, event.position()).toString(),
                event.type(),
                event.subject(),
                event.subjectId(),
                event.version(),
                event.actor(),
                event.detail(),
                event.createdAt());
    }
}
