package dev.oms.http;

import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Rejects calls with 503, before a resource sees them, when they could not be served in time.
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
        filters.register(this::rejectEarly, FilterOrder.REJECT_EARLY.priority());
        filters.register(this::admit, FilterOrder.ADMIT_CALLS.priority());
    }

    private void rejectEarly(RoutingContext call) {
        if (!isRejectedByShutdown(call)) {
            if (inProgress.get() >= max) {
                rejectAsBusy(call);
            } else {
                call.next();
            }
        }
    }

    private void admit(RoutingContext call) {
        if (isRejectedByShutdown(call)) {
            return;
        }
        if (inProgress.incrementAndGet() > max) {
            inProgress.decrementAndGet();
            rejectAsBusy(call);
        } else {
            call.addEndHandler(ended -> leave(call));
            call.next();
        }
    }

    private boolean isRejectedByShutdown(RoutingContext call) {
        if (rejectFromNanos == null) {
            return false;
        }
        // HTTP/2 has no such header, and clients refuse it; there Quarkus sends GOAWAY after the response.
        if (call.request().version() != HttpVersion.HTTP_2) {
            call.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        }
        if (System.nanoTime() < rejectFromNanos) {
            return false;
        }
        reject(call, "This process is shutting down; nothing was changed. Try again.");
        return true;
    }

    /**
     * From now on a call does not count as in progress, although its response may not have ended: a stream costs little
     * and may last for an hour. To be called on the call's event loop.
     */
    public void leave(RoutingContext call) {
        if (!hasLeft(call)) {
            call.put(LEFT, true);
            inProgress.decrementAndGet();
        }
    }

    static boolean hasLeft(RoutingContext call) {
        return call.get(LEFT) != null;
    }

    private void rejectAsBusy(RoutingContext call) {
        reject(call, "Too many calls are in progress; nothing was changed. Try again.");
    }

    private void reject(RoutingContext call, String detail) {
        writeProblem.write(call, Problem.of(503, detail));
    }
}
