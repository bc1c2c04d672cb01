package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpVersion;
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
 *   <li>An HTTP/1.1 connection that sends another request while responses wait is closed, as is one that
 *       {@linkplain LimitPipelining pipelines} too many.
 * </ul>
 */
@ApplicationScoped
public class LimitReceiving {
    /** Before calls are admitted. */
    private static final int FIRST = 11_000;

    private static final long RECEIVE_MILLIS_MAX = 10_000;

    void install(@Observes Filters filters) {
        filters.register(this::limit, FIRST);
    }

    private void limit(RoutingContext call) {
        LimitPipelining.install(call.request());
        if (call.request().version() != HttpVersion.HTTP_2 && call.response().writeQueueFull()) {
            call.request().connection().close();
            return;
        }
        call.addHeadersEndHandler(head -> startTimer(call));
        call.next();
    }

    /** In HTTP/2 a resource's response may wait for the client before its head is sent. */
    @ServerResponseFilter
    public void limitInHttp2(RoutingContext call) {
        if (call.request().version() == HttpVersion.HTTP_2) {
            Vertx.currentContext().runOnContext(ready -> startTimer(call));
        }
    }

    /** Must be called on the call's event loop. */
    private static void startTimer(RoutingContext call) {
        if (!AdmitCalls.hasLeft(call)
                && !call.response().ended()
                && !call.response().closed()) {
            long timer = call.vertx().setTimer(RECEIVE_MILLIS_MAX, expired -> disconnect(call));
            call.addEndHandler(ended -> call.vertx().cancelTimer(timer));
        }
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
