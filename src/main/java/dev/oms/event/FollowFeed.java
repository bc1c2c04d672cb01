package dev.oms.event;

import dev.oms.event.EventFeed.Batch;
import dev.oms.event.FeedReaders.Reader;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.sse.OutboundSseEvent;
import jakarta.ws.rs.sse.Sse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Sends the feed to one client as server-sent events, whose ids are cursors. The next events are read when the client
 * has received the ones before, so that a slow client costs no memory. While there are none, a comment every 15 seconds
 * keeps the connection; its id keeps the client from looking again through what a filter has left out.
 */
final class FollowFeed {
    private static final Duration KEEP_ALIVE_EVERY = Duration.ofSeconds(15);
    private static final Duration RECONNECT_AFTER = Duration.ofSeconds(2);
    private static final int BATCH_MAX = 500;
    private static final Logger LOG = Logger.getLogger(FollowFeed.class);

    private final EventFeed feed;
    private final Reader reader;
    private final Set<EventType> types;
    private final Long userId;
    private final Sse sse;
    private final Function<EventView, String> json;

    // Of one batch at a time.
    private long position;
    private long epoch;
    private boolean hasBegun;

    FollowFeed(
            EventFeed feed,
            Reader reader,
            Set<EventType> types,
            Long userId,
            long after,
            Sse sse,
            Function<EventView, String> json) {
        this.feed = feed;
        this.reader = reader;
        this.types = types;
        this.userId = userId;
        this.position = after;
        this.sse = sse;
        this.json = json;
    }

    /** It ends when the client is gone, and when the process stops or cannot read the feed. */
    Multi<OutboundSseEvent> events() {
        return Multi.createBy()
                .repeating()
                // Each batch on a thread of its own, which may wait for events.
                .uni(() -> Uni.createFrom().item(this::next).runSubscriptionOn(Thread::startVirtualThread))
                .whilst(Optional::isPresent)
                .onItem()
                .transformToMultiAndConcatenate(batch -> Multi.createFrom().iterable(batch.orElseGet(List::of)))
                .onRequest()
                .invoke(reader::received)
                .onFailure()
                .invoke(e -> LOG.debug("A stream of events has ended", e))
                .onFailure()
                .recoverWithCompletion()
                .onTermination()
                .invoke(reader::leave);
    }

    /** What to send next; empty when nothing more is to be sent. */
    private Optional<List<OutboundSseEvent>> next() {
        if (!hasBegun) {
            hasBegun = true;
            Cursor start = feed.cursorOf(position);
            epoch = start.epoch();
            // At once: a client that began at the end and is disconnected before there is an event continues from
            // there.
            return Optional.of(List.of(sse.newEventBuilder()
                    .reconnectDelay(RECONNECT_AFTER.toMillis())
                    .id(start.toString())
                    .comment("connected")
                    .build()));
        }
        try {
            long deadlineNanos = System.nanoTime() + KEEP_ALIVE_EVERY.toNanos();
            while (!reader.isEnded()) {
                Batch batch = feed.read(position, types, userId, BATCH_MAX);
                if (batch.epoch() != epoch) {
                    // Another database has taken over: the client is told when it connects again.
                    return Optional.empty();
                }
                position = batch.position();
                if (!batch.events().isEmpty()) {
                    return Optional.of(batch.events().stream().map(this::event).toList());
                }
                long leftNanos = deadlineNanos - System.nanoTime();
                if (leftNanos <= 0) {
                    return Optional.of(List.of(keepAlive()));
                }
                if (!batch.hasMore() && !feed.await(position, Duration.ofNanos(leftNanos))) {
                    return Optional.empty();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Optional.empty();
    }

    private OutboundSseEvent event(FeedEvent event) {
        EventView view = EventView.of(event, epoch);
        return sse.newEventBuilder().id(view.id()).data(json.apply(view)).build();
    }

    private OutboundSseEvent keepAlive() {
        return sse.newEventBuilder()
                .id(new Cursor(epoch, position).toString())
                .comment("keep-alive")
                .build();
    }
}
