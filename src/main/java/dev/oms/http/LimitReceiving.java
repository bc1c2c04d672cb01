package dev.oms.http;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.jboss.resteasy.reactive.server.ServerResponseFilter;

/**
 * Ends the calls of clients that do not receive their responses. A response that is larger than the buffers waits for
 * its client, and its call is in progress until then.
 *
 * <ul>
 *   <li>A response must be received within 10 s, unless it is a stream that no longer counts as a call in progress.
 *   <li>In HTTP/1.1 a request waits until the connection's earlier responses have left the buffers, for which there are
 *       10 s too. A connection that {@linkplain LimitPipelining pipelines} too many requests is closed.
 * </ul>
 */
@ApplicationScoped
public class LimitReceiving {
    private static final long RECEIVE_MILLIS_MAX = 10_000;

    void install(@Observes Router router) {
        router.route()
                .order(FilterOrder.LIMIT_RECEIVING.route())
                .handler(LimitReceiving::limit)
                .failureHandler(LimitReceiving::limitFailed);
    }

    /** A call may fail before the first handler, and also after its response, when sending a file is interrupted. */
    private static void limitFailed(RoutingContext call) {
        if (isOver(call)) {
            call.next();
        } else {
            limit(call);
        }
    }

    private static void limit(RoutingContext call) {
        LimitPipelining.install(call.request());
        if (call.request().version() == HttpVersion.HTTP_2) {
            Context loop = Vertx.currentContext();
            call.addHeadersEndHandler(head -> limitOnLoop(call, loop));
        } else {
            call.addHeadersEndHandler(head -> limitResponse(call));
        }
        if (call.request().version() != HttpVersion.HTTP_2 && call.response().writeQueueFull()) {
            awaitReceiving(call);
        } else {
            call.next();
        }
    }

    /** Until the connection's earlier responses have left the buffers. */
    private static void awaitReceiving(RoutingContext call) {
        if (CollectBody.hasBody(call)) {
            call.request().pause();
        }
        long timer = startTimer(call);
        call.response().drainHandler(drained -> {
            call.response().drainHandler(null);
            call.vertx().cancelTimer(timer);
            call.next();
        });
    }

    /** In HTTP/2 a resource's response may wait for the client before its head is sent. */
    @ServerResponseFilter
    public void limitInHttp2(RoutingContext call) {
        if (call.request().version() == HttpVersion.HTTP_2) {
            limitOnLoop(call, Vertx.currentContext());
        }
    }

    private static void limitOnLoop(RoutingContext call, Context loop) {
        loop.runOnContext(ready -> limitResponse(call));
    }

    private static void limitResponse(RoutingContext call) {
        if (!AdmitCalls.hasLeft(call) && !isOver(call)) {
            startTimer(call);
        }
    }

    /**
     * Whether nothing more can be sent. In HTTP/2 {@code closed()} takes the response's monitor, then the connection's.
     * Quarkus asks it while it writes, with the connection's monitor: whoever took them in the other order could wait
     * for the thread that writes, and it for them, for good.
     */
    public static boolean isOver(RoutingContext call) {
        synchronized (call.request().connection()) {
            return call.response().ended() || call.response().closed();
        }
    }

    private static long startTimer(RoutingContext call) {
        long timer = call.vertx().setTimer(RECEIVE_MILLIS_MAX, expired -> disconnect(call));
        call.addEndHandler(ended -> call.vertx().cancelTimer(timer));
        return timer;
    }

    /** Ends a call whose client does not receive the response: in HTTP/2 its stream, else its connection. */
    public static void disconnect(RoutingContext call) {
        if (call.request().version() == HttpVersion.HTTP_2) {
            // Other calls may share the connection.
            call.response().reset();
        } else {
            call.request().connection().close();
        }
    }
}
