package dev.oms.event;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.access.Callers;
import dev.oms.access.Scopes;
import dev.oms.event.EventFeed.Batch;
import dev.oms.event.FeedReaders.Reader;
import dev.oms.http.AdmitCalls;
import dev.oms.http.LimitReceiving;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.smallrye.mutiny.Multi;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import jakarta.ws.rs.core.UriBuilder;
import jakarta.ws.rs.core.UriInfo;
import jakarta.ws.rs.sse.OutboundSseEvent;
import jakarta.ws.rs.sse.Sse;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * {@code /events}: the feed, in pages that may wait for events, and as a stream of server-sent events for clients that
 * ask for {@code text/event-stream}.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">HTML, Server-sent events</a>
 */
@RunOnVirtualThread
@Path("/events")
class EventResource {
    private static final MediaType JSON = MediaType.APPLICATION_JSON_TYPE.withCharset("UTF-8");

    /** A stream then ends, and its client may connect again to another process. */
    private static final Duration STREAM_MAX = Duration.ofHours(1);

    private final EventFeed feed;
    private final FeedReaders readers;
    private final AdmitCalls admitCalls;
    private final Callers callers;
    private final ObjectMapper json;

    EventResource(EventFeed feed, FeedReaders readers, AdmitCalls admitCalls, Callers callers, ObjectMapper json) {
        this.feed = feed;
        this.readers = readers;
        this.admitCalls = admitCalls;
        this.callers = callers;
        this.json = json;
    }

    /**
     * A page of the feed.
     *
     * @param next the cursor that continues behind this page, also if the page is empty
     */
    @RegisterForReflection
    record EventPage(List<EventView> events, String next) {
        static EventPage of(Batch batch) {
            return new EventPage(
                    batch.events().stream()
                            .map(event -> EventView.of(event, batch.epoch()))
                            .toList(),
                    new Cursor(batch.epoch(), batch.position()).toString());
        }
    }

    @GET
    @Produces(MediaType.APPLICATION_JSON)
    @PermissionsAllowed(Scopes.EVENTS_READ)
    public Response page(@BeanParam FeedQuery query, RoutingContext call, UriInfo uri) throws InterruptedException {
        Long userId = callers.current().userId();
        int limit = query.limit();
        Duration waitTime = query.waitTime();
        Set<EventType> types = query.types();
        callers.charge(query.units(userId != null) - 1);
        Batch batch = feed.read(query.position(feed), types, userId, limit);
        if (isAtEnd(batch) && waitTime.isPositive()) {
            batch = awaited(batch, types, userId, limit, waitTime, call);
        }
        EventPage page = EventPage.of(batch);
        byte[] body = write(page);
        // Through a stream, which waits for its client. Bytes would wait in memory in one piece.
        StreamingOutput stream = out -> out.write(body);
        Response.ResponseBuilder response =
                Response.ok(stream, JSON).header(HttpHeaders.CONTENT_LENGTH.toString(), body.length);
        if (batch.hasMore()) {
            response.link(
                    UriBuilder.fromPath(uri.getPath())
                            .replaceQuery(uri.getRequestUri().getRawQuery())
                            .replaceQueryParam("after", page.next())
                            .build(),
                    "next");
        }
        return response.build();
    }

    /** Nothing was found, and there is nothing further on. */
    private static boolean isAtEnd(Batch batch) {
        return batch.events().isEmpty() && !batch.hasMore();
    }

    private Batch awaited(
            Batch none, Set<EventType> types, Long userId, int limit, Duration waitTime, RoutingContext call)
            throws InterruptedException {
        long deadlineNanos = System.nanoTime() + waitTime.toNanos();
        Reader reader = reader(call);
        Batch batch = none;
        long leftNanos = waitTime.toNanos();
        while (isAtEnd(batch)
                && leftNanos > 0
                && feed.await(batch.position(), Duration.ofNanos(leftNanos))
                && !reader.isEnded()) {
            batch = feed.read(batch.position(), types, userId, limit);
            leftNanos = deadlineNanos - System.nanoTime();
        }
        return batch;
    }

    /**
     * From now on the call waits most of the time: it does not count as one in progress. Before the head of its
     * response can be sent, or a stream would be cut off after 10 s.
     */
    private Reader reader(RoutingContext call) {
        Reader reader = readers.add(
                callers.current()
                        .keyOr(String.valueOf(call.request().remoteAddress().hostAddress())),
                () -> LimitReceiving.isOver(call),
                () -> LimitReceiving.disconnect(call));
        admitCalls.leave(call);
        Vertx.currentContext().runOnContext(loop -> call.addEndHandler(ended -> reader.leave()));
        return reader;
    }

    // Blocking until the cursor has been checked: after that, the head of the response has been sent.
    @GET
    @Blocking
    @Produces(MediaType.SERVER_SENT_EVENTS)
    @PermissionsAllowed(Scopes.EVENTS_READ)
    public Multi<OutboundSseEvent> stream(@BeanParam FeedQuery query, @Context Sse sse, RoutingContext call) {
        Long userId = callers.current().userId();
        query.limit();
        query.waitTime();
        Set<EventType> types = query.types();
        callers.charge(query.units(userId != null) - 1);
        long after = query.position(feed);
        // For nginx and those that follow it: each event comes at once.
        call.response().putHeader("X-Accel-Buffering", "no").putHeader(HttpHeaders.CACHE_CONTROL, "no-cache");
        // Clients connect again, and need a key or token that is still valid.
        Duration length = callers.timeLeft(STREAM_MAX);
        return new FollowFeed(feed, reader(call), types, userId, after, sse, this::text)
                .events()
                .select()
                .first(length);
    }

    private byte[] write(EventPage page) {
        try {
            return json.writeValueAsBytes(page);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A page of events cannot be serialized", e);
        }
    }

    private String text(EventView event) {
        try {
            return json.writeValueAsString(event);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("An event cannot be serialized", e);
        }
    }
}
