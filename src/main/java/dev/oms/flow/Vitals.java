package dev.oms.flow;

import dev.oms.flow.FlowBuckets.Bucket;
import dev.oms.http.Causes;
import dev.oms.job.InventoryJobQueue;
import dev.oms.job.Workers;
import dev.oms.job.Workers.Reconciliation;
import dev.oms.job.Workers.Worker;
import io.agroal.api.AgroalDataSource;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;

/**
 * Asks PostgreSQL and Redis how things are, both at the same time, and waits for neither longer than a moment: what one
 * of them does not say is unknown.
 */
@ApplicationScoped
class Vitals {
    private static final Logger LOG = Logger.getLogger(Vitals.class);

    private static final Duration PATIENCE = Duration.ofSeconds(3);

    /** For this one every item is looked at. */
    private static final Duration COUNT_LOW_STOCK_EVERY = Duration.ofSeconds(5);

    private static final String COUNT_FAILED =
            "select count(*) filter (where dead_at is null), count(*) filter (where dead_at is not null) from failed_jobs";

    private static final String COUNT_LOW_STOCK =
            "select count(*) from inventory_items where quantity < threshold and archived_at is null";

    private final InventoryJobQueue queue;
    private final Workers workers;
    private final FlowBuckets buckets;
    private final AgroalDataSource dataSource;
    private final Clock clock;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Question<FromRedis> redis = new Question<>(this::askRedis);
    private final Question<FromPostgres> postgres = new Question<>(this::askPostgres);

    // Only by the thread of a question, of which there is one at a time.
    private volatile List<Bucket> history = List.of();
    private volatile long lowStock;
    private volatile Instant lowStockCounted = Instant.MIN;

    Vitals(InventoryJobQueue queue, Workers workers, FlowBuckets buckets, AgroalDataSource dataSource, Clock clock) {
        this.queue = queue;
        this.workers = workers;
        this.buckets = buckets;
        this.dataSource = dataSource;
        this.clock = clock;
    }

    /**
     * What Redis says.
     *
     * @param depth how many jobs are in the stream
     * @param oldestAgeSeconds for how long the oldest of them has been there
     * @param history what was placed and settled, in the last {@link FlowBuckets#COUNT} complete buckets
     */
    record FromRedis(
            long depth,
            long oldestAgeSeconds,
            List<Worker> workers,
            Reconciliation lastReconciliation,
            List<Bucket> history) {
        long inFlight() {
            return workers.stream().mapToLong(Worker::inFlight).sum();
        }
    }

    /**
     * What PostgreSQL says.
     *
     * @param failed how many jobs failed and will be tried again
     * @param dead how many jobs nobody tries any more
     * @param lowStock how many items on sale are below their threshold
     */
    record FromPostgres(long failed, long dead, long lowStock) {}

    /** How things are; either is null when its server does not say. */
    record Signs(Instant at, FromRedis redis, FromPostgres postgres) {}

    /** Asks both. One caller at a time. */
    synchronized Signs take() {
        Instant at = clock.instant();
        redis.ask();
        postgres.ask();
        long untilNanos = System.nanoTime() + PATIENCE.toNanos();
        return new Signs(at, redis.answer(untilNanos), postgres.answer(untilNanos));
    }

    private FromRedis askRedis() {
        long last = FlowBuckets.lastComplete(clock.instant());
        if (history.isEmpty() || history.getLast().at() != last) {
            history = buckets.read(last);
        }
        return new FromRedis(
                queue.depth(), queue.oldestAge().toSeconds(), workers.list(), workers.lastReconciliation(), history);
    }

    private FromPostgres askPostgres() throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Instant now = clock.instant();
            if (lowStockCounted.plus(COUNT_LOW_STOCK_EVERY).isBefore(now)) {
                lowStock = numbers(connection, COUNT_LOW_STOCK, 1)[0];
                lowStockCounted = now;
            }
            long[] failed = numbers(connection, COUNT_FAILED, 2);
            return new FromPostgres(failed[0], failed[1], lowStock);
        }
    }

    private static long[] numbers(Connection connection, String sql, int columns) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql);
                ResultSet row = statement.executeQuery()) {
            row.next();
            long[] numbers = new long[columns];
            for (int i = 0; i < columns; i++) {
                numbers[i] = row.getLong(i + 1);
            }
            return numbers;
        }
    }

    @PreDestroy
    void stop() {
        threads.shutdownNow();
    }

    /** A question to a server, which is not asked again while it has not answered. */
    private final class Question<T> {
        private final Callable<T> question;
        private Future<T> answer;

        Question(Callable<T> question) {
            this.question = question;
        }

        void ask() {
            if (answer == null || answer.isDone()) {
                answer = threads.submit(question);
            }
        }

        /** The answer, or null when there is none by then. */
        T answer(long untilNanos) {
            try {
                return answer.get(untilNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                return null;
            } catch (ExecutionException e) {
                LOG.debugf("Unknown: %s", Causes.root(e).getMessage());
                return null;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return null;
            }
        }
    }
}
