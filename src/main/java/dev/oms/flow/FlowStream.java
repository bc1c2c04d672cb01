package dev.oms.flow;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.access.KeysChanged;
import dev.oms.http.ProblemException;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.BackPressureStrategy;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * Publishes the order flow to all listeners once a second. One snapshot serves all of them, and none is taken while
 * there is no listener. A slow listener misses snapshots: only the latest is kept for it, and nothing waits for it.
 */
@ApplicationScoped
class FlowStream {
    private static final int LISTENERS_MAX = 200;

    /** So that one client cannot take every slot. */
    private static final int LISTENERS_OF_CALLER_MAX = 50;

    /** A listener is then disconnected, and may reconnect to another process. */
    static final Duration LISTEN_MAX = Duration.ofHours(1);

    /** How many flows in a row a listener may fail to receive, one a second. */
    private static final int NOT_RECEIVED_MAX = 10;

    /** How long a listener may take to receive the end of the stream when the process stops. */
    private static final Duration END_MAX = Duration.ofSeconds(1);

    /** A snapshot is reused for this long: a little less than the second between two. */
    private static final long FRESH_NANOS = Duration.ofMillis(900).toNanos();

    private final TakeHealthSnapshot takeSnapshot;
    private final ObjectMapper json;
    private final Vertx vertx;
    private final Set<Listener> listeners = ConcurrentHashMap.newKeySet();
    private volatile boolean stopping;
    private Flow latest;
    private long takenNanos;

    FlowStream(TakeHealthSnapshot takeSnapshot, ObjectMapper json, Vertx vertx) {
        this.takeSnapshot = takeSnapshot;
        this.json = json;
        this.vertx = vertx;
    }

    /**
     * Takes a slot for a listener.
     *
     * @param caller its key or address
     * @param isGone whether its response has ended, for whatever reason
     * @param disconnect ends its connection; called when the listener does not receive what it is sent
     * @throws ProblemException 503 if there are too many listeners, of this caller or in all
     */
    Listener add(String caller, BooleanSupplier isGone, Runnable disconnect) {
        Listener listener = new Listener(caller, isGone, disconnect);
        synchronized (listeners) {
            if (listeners.size() >= LISTENERS_MAX) {
                throw ProblemException.busy("Too many listeners. Try again later.");
            }
            if (listeners.stream().filter(other -> other.caller.equals(caller)).count() >= LISTENERS_OF_CALLER_MAX) {
                throw ProblemException.busy("Too many listeners with this key or from this address. Try again later.");
            }
            listeners.add(listener);
        }
        return listener;
    }

    /**
     * Polls the listeners, because no callback fires in every case: a stream that has not begun cannot be cancelled,
     * and Vert.x calls none of a response's handlers when the response is reset after a failed write.
     *
     * <p>Not for a thread that serves a call: asking takes the lock of the listener's HTTP/2 connection, and that
     * thread holds the one of its own. Two of them would wait for each other for ever.
     */
    private void removeGone() {
        for (Listener listener : listeners) {
            if (listener.isGone.getAsBoolean() && listeners.remove(listener)) {
                listener.complete();
            }
        }
    }

    /** A client that follows the flow. It has a slot until it is gone. */
    final class Listener {
        private final String caller;
        private final BooleanSupplier isGone;
        private final Runnable disconnect;
        private final AtomicInteger notReceived = new AtomicInteger();
        private volatile MultiEmitter<? super Flow> emitter;

        private Listener(String caller, BooleanSupplier isGone, Runnable disconnect) {
            this.caller = caller;
            this.isGone = isGone;
            this.disconnect = disconnect;
        }

        /**
         * Emits the current flow at once, then one every second. It completes when the listener is gone, and when the
         * process stops.
         */
        Multi<Flow> flows() {
            return Multi.createFrom()
                    .<Flow>emitter(this::start, BackPressureStrategy.LATEST)
                    // Taking a snapshot waits for Redis, whose reply may arrive on this event loop.
                    .runSubscriptionOn(Thread::startVirtualThread)
                    .invoke(() -> notReceived.set(0))
                    .onCancellation()
                    .invoke(() -> listeners.remove(this))
                    .select()
                    .first(LISTEN_MAX);
        }

        private void start(MultiEmitter<? super Flow> emitter) {
            this.emitter = emitter;
            emitter.emit(latest());
            // Either this sees that the listener has been removed meanwhile, or the removal sees the emitter.
            if (stopping || !listeners.contains(this)) {
                emitter.complete();
            }
        }

        private void emit(Flow flow) {
            if (emitter != null) {
                if (notReceived.incrementAndGet() > NOT_RECEIVED_MAX) {
                    disconnect.run();
                } else {
                    emitter.emit(flow);
                }
            }
        }

        private void complete() {
            if (emitter != null) {
                emitter.complete();
            }
        }
    }

    @Scheduled(every = "{oms.flow.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void publish() {
        removeGone();
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

    /** Clients connect again, and need a key that is still valid. Not on the event loop that reads Redis's reply. */
    void end(@Observes KeysChanged changed) {
        Thread.startVirtualThread(() -> listeners.forEach(Listener::complete));
    }

    void stop(@Observes ShutdownDelayInitiatedEvent event) {
        end();
        // The end of the stream waits behind what the listener has not read, and the shutdown waits for the stream.
        vertx.setTimer(
                END_MAX.toMillis(),
                timer -> listeners.stream()
                        .filter(listener -> !listener.isGone.getAsBoolean())
                        .forEach(listener -> listener.disconnect.run()));
    }

    void stop(@Observes ShutdownEvent event) {
        end();
    }

    private void end() {
        stopping = true;
        listeners.forEach(Listener::complete);
    }
}
