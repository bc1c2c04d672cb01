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
 *   <li>An HTTP/1.1 connection is closed when a request comes while earlier responses fill its buffers, or when it
 *       {@linkplain LimitPipelining pipelines} too many requests.
 * </ul>
 */
@ApplicationScoped
public class LimitReceiving {
    private static final int BEFORE_BODY = 11_900;

    private static final long RECEIVE_MILLIS_MAX = 10_000;

    void install(@Observes Filters filters) {
        filters.register(LimitReceiving::limit, BEFORE_BODY);
    }

    private static void limit(RoutingContext call) {
        LimitPipelining.install(call.request());
        // Resources wait for the client while they write, so only what others write, such as errors, piles up.
        if (call.request().version() != HttpVersion.HTTP_2 && call.response().writeQueueFull()) {
            call.request().connection().close();
            return;
        }
        call.addHeadersEndHandler(head -> limitResponse(call));
        call.next();
    }

    /** In HTTP/2 a resource's response may wait for the client before its head is sent. */
    @ServerResponseFilter
    public void limitInHttp2(RoutingContext call) {
        if (call.request().version() == HttpVersion.HTTP_2) {
            Vertx.currentContext().runOnContext(ready -> limitResponse(call));
        }
    }

    /** Must be called on the call's event loop. */
    private static void limitResponse(RoutingContext call) {
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
