package dev.oms.flow;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.http.ProblemException;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import io.smallrye.mutiny.subscription.BackPressureStrategy;
import io.smallrye.mutiny.subscription.MultiEmitter;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Publishes the order flow to all listeners once a second. One snapshot serves all of them, and none is taken while
 * there is no listener. A slow listener misses snapshots: only the latest is kept for it, and nothing waits for it.
 */
@ApplicationScoped
class FlowStream {
    private static final int LISTENERS_MAX = 200;

    /** A listener is then disconnected and reconnects, maybe to another process. */
    private static final Duration LISTEN_MAX = Duration.ofHours(1);

    /** A snapshot is reused for this long: a little less than the second between two. */
    private static final long FRESH_NANOS = Duration.ofMillis(900).toNanos();

    private final TakeHealthSnapshot takeSnapshot;
    private final ObjectMapper json;
    private final Set<MultiEmitter<? super Flow>> listeners = ConcurrentHashMap.newKeySet();
    private volatile boolean stopping;
    private Flow latest;
    private long takenNanos;

    FlowStream(TakeHealthSnapshot takeSnapshot, ObjectMapper json) {
        this.takeSnapshot = takeSnapshot;
        this.json = json;
    }

    /**
     * Emits the current flow at once, then one every second. It completes when the process stops, so that the shutdown
     * does not wait for listeners.
     *
     * @throws ProblemException 503 if there are too many listeners
     */
    Multi<Flow> listen() {
        if (listenerCount() >= LISTENERS_MAX) {
            throw ProblemException.busy("Too many listeners. Try again later.");
        }
        return Multi.createFrom()
                .<Flow>emitter(this::addListener, BackPressureStrategy.LATEST)
                // Taking a snapshot blocks on Redis, and must not block the event loop that Redis's reply arrives on.
                .runSubscriptionOn(Infrastructure.getDefaultWorkerPool())
                .select()
                .first(LISTEN_MAX);
    }

    private void addListener(MultiEmitter<? super Flow> listener) {
        listener.emit(latest());
        listener.onTermination(() -> listeners.remove(listener));
        listeners.add(listener);
        if (stopping) {
            listener.complete();
        }
    }

    @Scheduled(every = "{oms.flow.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void publish() {
        if (!listeners.isEmpty()) {
            Flow flow = latest();
            listeners.forEach(listener -> listener.emit(flow));
        }
    }

    /** The current flow, at most {@link #FRESH_NANOS} old. */
    private synchronized Flow latest() {
        if (latest == null || System.nanoTime() - takenNanos >= FRESH_NANOS) {
            latest = new Flow(takeSnapshot.take(), json);
            takenNanos = System.nanoTime();
        }
        return latest;
    }

    int listenerCount() {
        return listeners.size();
    }

    void stop(@Observes ShutdownDelayInitiatedEvent event) {
        end();
    }

    void stop(@Observes ShutdownEvent event) {
        end();
    }

    private void end() {
        stopping = true;
        listeners.forEach(MultiEmitter::complete);
    }
}
