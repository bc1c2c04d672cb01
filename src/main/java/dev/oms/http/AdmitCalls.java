package dev.oms.http;

import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Refuses, with 503 and before anything is done, calls that could only be served too late.
 *
 * <ul>
 *   <li>When so many are under way that another one would only pile up.
 *   <li>When the process stops. While the stop is delayed, calls are served, but every answer ends its connection, so
 *       that clients leave before the server does; after the delay they are refused. Quarkus then waits for those that
 *       were accepted. (By itself it would go on accepting, and close as soon as none is under way, whatever is just
 *       coming in.)
 * </ul>
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-9.6">RFC 9112 §9.6, Tear-down</a>
 */
@ApplicationScoped
class AdmitCalls {
    private static final int FIRST = 10_000;

    private final AtomicInteger underWay = new AtomicInteger();
    private final WriteProblem writeProblem;
    private final int max;
    private final Duration delay;
    private volatile Long refuseFromNanos;

    AdmitCalls(
            WriteProblem writeProblem,
            @ConfigProperty(name = "oms.http.max-calls") int max,
            @ConfigProperty(name = "quarkus.shutdown.delay", defaultValue = "0s") Duration delay) {
        this.writeProblem = writeProblem;
        this.max = max;
        this.delay = delay;
    }

    void stop(@Observes ShutdownDelayInitiatedEvent event) {
        refuseFromNanos = System.nanoTime() + delay.toNanos();
    }

    void install(@Observes Filters filters) {
        filters.register(this::admit, FIRST);
    }

    private void admit(RoutingContext call) {
        if (refuseFromNanos != null) {
            call.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
            if (System.nanoTime() >= refuseFromNanos) {
                refuse(call, "This process is stopping; nothing was changed. Try again.");
                return;
            }
        }
        // Health is asked of a busy process, too, and never waits.
        if (call.normalizedPath().startsWith("/q/")) {
            call.next();
        } else if (underWay.incrementAndGet() > max) {
            underWay.decrementAndGet();
            refuse(call, "Too many calls are under way; nothing was changed. Try again.");
        } else {
            call.addEndHandler(ended -> underWay.decrementAndGet());
            call.next();
        }
    }

    private void refuse(RoutingContext call, String detail) {
        call.response().putHeader("Retry-After", "1");
        writeProblem.write(call, Problem.of(503, detail));
    }
}
