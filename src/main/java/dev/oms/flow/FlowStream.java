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
 * How orders flow, once a second, for as many as listen. It is looked up once for all of them, and not at all when
 * nobody listens. One that is too slow misses some; nothing waits for it, and nothing is kept for it but the latest.
 */
@ApplicationScoped
class FlowStream {
    private static final int LISTENERS_MAX = 200;

    /** Then they come back, maybe to another process. */
    private static final Duration LISTEN_MAX = Duration.ofHours(1);

    /** Somewhat less than there is between two. */
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
     * What there is now, at once, and then what there is every second. It ends when the process stops, which is not to
     * wait for it.
     *
     * @throws ProblemException 503 when too many listen already
     */
    Multi<Flow> listen() {
        if (listenerCount() >= LISTENERS_MAX) {
            throw ProblemException.busy("Too many listen already. Try again.");
        }
        return Multi.createFrom()
                .<Flow>emitter(this::addListener, BackPressureStrategy.LATEST)
                // Looking waits for Redis, and Redis for the thread that a call comes on.
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

    /** The flow now, or what it was less than a second ago. */
    private synchronized Flow latest() {
        if (latest == null || System.nanoTime() - takenNanos >= FRESH_NANOS) {
            latest = new Flow(takeSnapshot.take(), json);
            takenNanos = System.nanoTime();
        }
        return latest;
    }

    /** How many listen. */
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
