package dev.oms.bench;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Callers at work, each a thread with a connection of its own. Whatever goes wrong with one of them is thrown. */
final class Load {
    /** Does one thing, again and again. Not for more than one thread. */
    interface Caller extends AutoCloseable {
        /** @return the id of what it was about */
        long call() throws IOException, SQLException;

        @Override
        void close() throws IOException, SQLException;
    }

    /** Connects a caller. */
    interface Opening {
        Caller open() throws IOException, SQLException;
    }

    /**
     * What came of it.
     *
     * @param due when each call had been due, by the id of what it was about; only at a fixed rate
     */
    record Outcome(Sample sample, Map<Long, Instant> due) {}

    private final List<Caller> callers = new ArrayList<>();
    private final AtomicReference<Exception> failure = new AtomicReference<>();

    private Load() {}

    /** As fast as it goes: whoever has an answer calls again. */
    static Sample fullSpeed(int connections, Duration length, Opening opening) throws Exception {
        return new Load().run(connections, length, 0, opening).sample();
    }

    /**
     * So many calls a second, whether the earlier ones are answered or not. A call's time is counted from when it was
     * due: one that had to wait for a free connection has waited.
     */
    static Outcome fixedRate(int connections, int callsPerSecond, Duration length, Opening opening) throws Exception {
        return new Load().run(connections, length, callsPerSecond, opening);
    }

    private Outcome run(int connections, Duration length, int callsPerSecond, Opening opening) throws Exception {
        try {
            for (int i = 0; i < connections; i++) {
                callers.add(opening.open());
            }
            return work(length, callsPerSecond);
        } finally {
            for (Caller caller : callers) {
                caller.close();
            }
        }
    }

    private Outcome work(Duration length, int callsPerSecond) throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        AtomicInteger next = new AtomicInteger();
        List<Worker> workers = new ArrayList<>();
        Instant startedAt = Instant.now();
        long started = System.nanoTime();
        for (Caller caller : callers) {
            Worker worker = new Worker(caller, start, next, startedAt, started, length.toNanos(), callsPerSecond);
            worker.setDaemon(true);
            workers.add(worker);
            worker.start();
        }
        start.countDown();
        for (Worker worker : workers) {
            worker.join();
        }
        double seconds = (System.nanoTime() - started) / 1e9;
        if (failure.get() != null) {
            throw failure.get();
        }
        long[] nanos = workers.stream()
                .flatMapToLong(worker -> Arrays.stream(worker.nanos, 0, worker.calls))
                .toArray();
        Map<Long, Instant> due = new HashMap<>();
        workers.forEach(worker -> due.putAll(worker.due));
        return new Outcome(Sample.of(nanos.length / seconds, nanos), due);
    }

    /** One caller's thread. */
    private final class Worker extends Thread {
        private final Caller caller;
        private final CountDownLatch start;
        private final AtomicInteger next;
        private final Instant startedAt;
        private final long started;
        private final long length;
        private final int callsPerSecond;
        private final Map<Long, Instant> due = new HashMap<>();
        private long[] nanos = new long[1024];
        private int calls;

        Worker(
                Caller caller,
                CountDownLatch start,
                AtomicInteger next,
                Instant startedAt,
                long started,
                long length,
                int callsPerSecond) {
            this.caller = caller;
            this.start = start;
            this.next = next;
            this.startedAt = startedAt;
            this.started = started;
            this.length = length;
            this.callsPerSecond = callsPerSecond;
        }

        @Override
        public void run() {
            try {
                start.await();
                while (failure.get() == null) {
                    long at = callsPerSecond == 0
                            ? System.nanoTime() - started
                            : next.getAndIncrement() * 1_000_000_000L / callsPerSecond;
                    if (at >= length) {
                        return;
                    }
                    call(at);
                }
            } catch (IOException | SQLException | InterruptedException | RuntimeException e) {
                failure.compareAndSet(null, e);
            }
        }

        private void call(long at) throws IOException, SQLException, InterruptedException {
            long early = started + at - System.nanoTime();
            if (early > 0) {
                Thread.sleep(Duration.ofNanos(early));
            }
            long id = caller.call();
            if (calls == nanos.length) {
                nanos = Arrays.copyOf(nanos, 2 * calls);
            }
            nanos[calls++] = System.nanoTime() - started - at;
            if (callsPerSecond > 0) {
                due.put(id, startedAt.plusNanos(at));
            }
        }
    }
}
