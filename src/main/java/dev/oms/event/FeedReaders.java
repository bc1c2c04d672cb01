package dev.oms.event;

import dev.oms.access.KeysChanged;
import dev.oms.http.ProblemException;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * The readers of this process that wait for events or stream them. Their number is limited, in all and for each caller.
 */
@ApplicationScoped
class FeedReaders {
    static final int READERS_MAX = 200;

    /** So that one client cannot take every slot. */
    static final int READERS_OF_CALLER_MAX = 50;

    /**
     * How long a client may take to receive something. A page comes after 30 seconds at most, and something of a stream
     * every 15.
     */
    private static final Duration RECEIVE_MAX = Duration.ofSeconds(40);

    /** How long a client may take to receive the end of its stream when the process stops. */
    private static final Duration END_MAX = Duration.ofSeconds(1);

    private final EventFeed feed;
    private final Vertx vertx;
    private final Set<Reader> readers = ConcurrentHashMap.newKeySet();

    FeedReaders(EventFeed feed, Vertx vertx) {
        this.feed = feed;
        this.vertx = vertx;
    }

    /** A client that waits for events or follows them. It has a slot until its response has ended. */
    final class Reader {
        private final String caller;
        private final BooleanSupplier isGone;
        private final Runnable disconnect;
        private volatile long receivedNanos = System.nanoTime();
        private volatile boolean ended;

        private Reader(String caller, BooleanSupplier isGone, Runnable disconnect) {
            this.caller = caller;
            this.isGone = isGone;
            this.disconnect = disconnect;
        }

        /** To be called whenever the client has received what was sent to it. */
        void received() {
            receivedNanos = System.nanoTime();
        }

        /** Whether it should read no more. */
        boolean isEnded() {
            return ended;
        }

        /** Frees its slot. */
        void leave() {
            ended = true;
            readers.remove(this);
        }
    }

    /**
     * Takes a slot.
     *
     * @param caller its key or address
     * @param isGone whether its response has ended, for whatever reason
     * @param disconnect ends its connection; called when it does not receive what it is sent
     * @throws ProblemException 503 if there are too many, of this caller or in all
     */
    Reader add(String caller, BooleanSupplier isGone, Runnable disconnect) {
        Reader reader = new Reader(caller, isGone, disconnect);
        synchronized (readers) {
            if (readers.size() >= READERS_MAX) {
                throw ProblemException.busy("Too many readers wait for events. Try again later.");
            }
            if (readers.stream().filter(other -> other.caller.equals(caller)).count() >= READERS_OF_CALLER_MAX) {
                throw ProblemException.busy(
                        "Too many readers wait for events with this key or from this address. Try again later.");
            }
            readers.add(reader);
        }
        return reader;
    }

    int count() {
        return readers.size();
    }

    /**
     * Polls, because no callback fires in every case. Not on a thread that serves a call: asking takes the lock of an
     * HTTP/2 connection, and that thread may hold another one's.
     */
    @Scheduled(every = "1s", concurrentExecution = ConcurrentExecution.SKIP)
    void removeGone() {
        long now = System.nanoTime();
        boolean anyGone = false;
        for (Reader reader : readers) {
            if (reader.isGone.getAsBoolean()) {
                reader.leave();
                anyGone = true;
            } else if (now - reader.receivedNanos > RECEIVE_MAX.toNanos()) {
                reader.disconnect.run();
            }
        }
        if (anyGone) {
            feed.wakeAll();
        }
    }

    /** Clients connect again, and need a key that is still valid. */
    void end(@Observes KeysChanged changed) {
        endAll();
    }

    void stop(@Observes ShutdownDelayInitiatedEvent event) {
        endAll();
        // The end of a stream waits behind what its client has not read, and the shutdown waits for the stream.
        vertx.setTimer(
                END_MAX.toMillis(),
                timer -> readers.stream()
                        .filter(reader -> !reader.isGone.getAsBoolean())
                        .forEach(reader -> reader.disconnect.run()));
    }

    private void endAll() {
        readers.forEach(reader -> reader.ended = true);
        feed.wakeAll();
    }
}
