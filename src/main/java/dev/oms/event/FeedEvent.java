package dev.oms.event;

import java.time.Instant;

/**
 * An event as the feed has it.
 *
 * @param position its place in the feed
 * @param subject {@code order} or {@code item}
 * @param version the subject's version after the change; of one subject the feed is in this order
 * @param type such as {@code order.placed}; an older process may not know the types of a newer one
 * @param actor who made the change, or null
 * @param detail JSON, or null
 */
public record FeedEvent(
        long position,
        String subject,
        long subjectId,
        long version,
        String type,
        String actor,
        String detail,
        Instant createdAt) {}
