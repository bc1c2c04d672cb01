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

/** Generates load with one thread and one connection per caller. The first failure of any caller is thrown. */
final class Load {
    /** Makes one kind of call repeatedly. Not thread-safe. */
    interface Caller extends AutoCloseable {
        /** @return the id of the order or user concerned */
        long call() throws IOException, SQLException;

        @Override
        void close() throws IOException, SQLException;
    }

    /** Opens a caller's connection. */
    interface CallerFactory {
        Caller open() throws IOException, SQLException;
    }

    /**
     * The result of a run.
     *
     * @param due when each call was due, by the id it returned; empty unless at a fixed rate
     */
    record Outcome(Sample sample, Map<Long, Instant> due) {}

    private final List<Caller> callers = new ArrayList<>();
    private final AtomicReference<Exception> failure = new AtomicReference<>();

    private Load() {}

    /** Makes calls as fast as possible: each caller sends the next call when it gets a response. */
    static Sample fullSpeed(int connections, Duration length, CallerFactory factory) throws Exception {
        return new Load().run(connections, length, 0, factory).sample();
    }

    /**
     * Makes calls at a fixed rate, whether or not earlier calls have been answered. Latency is counted from when a call
     * was due, so it includes waiting for a free connection.
     */
    static Outcome fixedRate(int connections, int callsPerSecond, Duration length, CallerFactory factory)
            throws Exception {
        return new Load().run(connections, length, callsPerSecond, factory);
    }

    private Outcome run(int connections, Duration length, int callsPerSecond, CallerFactory factory) throws Exception {
        try {
            for (int i = 0; i < connections; i++) {
                callers.add(factory.open());
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
