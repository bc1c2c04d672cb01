package dev.oms.http;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Rejects calls with 503, before a resource sees them, when they could not be served in time.
 *
 * <ul>
 *   <li>Overload: so many calls are in progress that another one would only queue.
 *   <li>A call that waits for a change is not in progress; their number has a limit of its own.
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
    /**
     * The attribute with the state of a call, an {@link AtomicReference}: the attributes themselves are not
     * thread-safe.
     */
    private static final String STATE = AdmitCalls.class.getName() + ".state";

    private enum State {
        IN_PROGRESS,
        /** Not counted, although its response may not have ended. */
        LEFT,
        ENDED
    }

    private final AtomicInteger inProgress = new AtomicInteger();
    private final AtomicInteger waiting = new AtomicInteger();
    private final WriteProblem writeProblem;
    private final int max;
    private final int waitingMax;
    private final Duration delay;
    private volatile Long rejectFromNanos;

    AdmitCalls(
            WriteProblem writeProblem,
            HttpConfig config,
            MeterRegistry meters,
            @ConfigProperty(name = "quarkus.shutdown.delay", defaultValue = "0s") Duration delay) {
        this.writeProblem = writeProblem;
        this.max = config.maxCalls();
        this.waitingMax = config.maxWaiting();
        this.delay = delay;
        Gauge.builder("oms.calls.waiting", waiting, AtomicInteger::get)
                .description("Calls that wait for a change, as they asked to.")
                .register(meters);
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
            AtomicReference<State> state = new AtomicReference<>(State.IN_PROGRESS);
            call.put(STATE, state);
            call.addEndHandler(ended -> {
                if (state.getAndSet(State.ENDED) == State.IN_PROGRESS) {
                    inProgress.decrementAndGet();
                }
            });
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
     * and may last for an hour. It is not {@linkplain LimitReceiving cut off} either, if this is called before the head
     * of its response is sent. Any thread may call it.
     */
    public void leave(RoutingContext call) {
        if (state(call).compareAndSet(State.IN_PROGRESS, State.LEFT)) {
            inProgress.decrementAndGet();
        }
    }

    private static AtomicReference<State> state(RoutingContext call) {
        return call.get(STATE);
    }

    /**
     * Does not count a call as in progress while it waits for something that others do. To be called by the thread that
     * serves it.
     *
     * @return to be used once, for what the call goes on with: it runs on the call's event loop. From then on the call
     *     counts, even if there are too many, because it may have changed something. Empty if too many calls wait
     *     already.
     */
    public Optional<Executor> suspend(RoutingContext call) {
        if (waiting.incrementAndGet() > waitingMax) {
            waiting.decrementAndGet();
            return Optional.empty();
        }
        Context loop = Vertx.currentContext();
        loop.runOnContext(suspended -> leave(call));
        return Optional.of(goOn -> {
            waiting.decrementAndGet();
            loop.runOnContext(resumed -> {
                resume(call);
                goOn.run();
            });
        });
    }

    private void resume(RoutingContext call) {
        if (state(call).compareAndSet(State.LEFT, State.IN_PROGRESS)) {
            inProgress.incrementAndGet();
        }
    }

    static boolean hasLeft(RoutingContext call) {
        AtomicReference<State> state = state(call);
        // Null when the call was rejected.
        return state != null && state.get() != State.IN_PROGRESS;
    }

    private void rejectAsBusy(RoutingContext call) {
        reject(call, "Too many calls are in progress; nothing was changed. Try again.");
    }

    private void reject(RoutingContext call, String detail) {
        writeProblem.write(call, Problem.of(503, detail));
    }
}
