package dev.oms.http;

import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.resteasy.reactive.server.ServerResponseFilter;

/**
 * Rejects calls with 503, before anything is done, when they could not be served in time.
 *
 * <ul>
 *   <li>Overload: so many calls are in progress that another one would only queue.
 *   <li>Shutdown: during the shutdown delay calls are still served, but every response closes its connection, so that
 *       clients leave before the server stops. After the delay calls are rejected, and Quarkus waits for those already
 *       admitted. (On its own, Quarkus would keep accepting calls and stop as soon as none is in progress, even while
 *       another one is arriving.)
 * </ul>
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-9.6">RFC 9112 §9.6, Tear-down</a>
 */
@ApplicationScoped
public class AdmitCalls {
    private static final int FIRST = 10_000;

    /**
     * How long a client may take to receive a response. One that is larger than the buffers waits for the client, and
     * its call is in progress until then.
     */
    private static final long RECEIVE_MILLIS_MAX = 10_000;

    /** The attribute of a call that no longer counts. */
    private static final String LEFT = AdmitCalls.class.getName() + ".left";

    private final AtomicInteger inProgress = new AtomicInteger();
    private final WriteProblem writeProblem;
    private final int max;
    private final Duration delay;
    private volatile Long rejectFromNanos;

    AdmitCalls(
            WriteProblem writeProblem,
            HttpConfig config,
            @ConfigProperty(name = "quarkus.shutdown.delay", defaultValue = "0s") Duration delay) {
        this.writeProblem = writeProblem;
        this.max = config.maxCalls();
        this.delay = delay;
    }

    void stop(@Observes ShutdownDelayInitiatedEvent event) {
        rejectFromNanos = System.nanoTime() + delay.toNanos();
    }

    void install(@Observes Filters filters) {
        filters.register(this::admit, FIRST);
    }

    private void admit(RoutingContext call) {
        LimitPipelining.install(call.request());
        if (call.request().version() != HttpVersion.HTTP_2 && call.response().writeQueueFull()) {
            // The client sends requests and does not receive the responses.
            call.request().connection().close();
            return;
        }
        if (rejectFromNanos != null) {
            // HTTP/2 has no such header, and clients refuse it; there Quarkus sends GOAWAY after the response.
            if (call.request().version() != HttpVersion.HTTP_2) {
                call.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
            }
            if (System.nanoTime() >= rejectFromNanos) {
                reject(call, "This process is shutting down; nothing was changed. Try again.");
                return;
            }
        }
        // Health checks never wait, and a busy process must pass them too.
        if (call.normalizedPath().startsWith("/q/")) {
            call.next();
        } else if (inProgress.incrementAndGet() > max) {
            inProgress.decrementAndGet();
            reject(call, "Too many calls are in progress; nothing was changed. Try again.");
        } else {
            call.addEndHandler(ended -> leave(call));
            call.addHeadersEndHandler(head -> limitReceiving(call));
            call.next();
        }
    }

    /** In HTTP/2 a resource's response may wait for the client before its head is sent. */
    @ServerResponseFilter
    public void limitReceivingInHttp2(RoutingContext call) {
        if (call.request().version() == HttpVersion.HTTP_2) {
            Vertx.currentContext().runOnContext(ready -> limitReceiving(call));
        }
    }

    /** Must be called on the call's event loop. */
    private void limitReceiving(RoutingContext call) {
        if (call.get(LEFT) == null
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

    /**
     * From now on a call does not count as in progress, although its response may not have ended: a stream costs little
     * and may last for an hour. To be called on the call's event loop.
     */
    public void leave(RoutingContext call) {
        if (call.get(LEFT) == null) {
            call.put(LEFT, true);
            inProgress.decrementAndGet();
        }
    }

    private void reject(RoutingContext call, String detail) {
        writeProblem.write(call, Problem.of(503, detail));
    }
}
