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
class AdmitCalls {
    private static final int FIRST = 10_000;

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
        if (rejectFromNanos != null) {
            call.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
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
            call.addEndHandler(ended -> inProgress.decrementAndGet());
            call.next();
        }
    }

    private void reject(RoutingContext call, String detail) {
        call.response().putHeader("Retry-After", "1");
        writeProblem.write(call, Problem.of(503, detail));
    }
}
