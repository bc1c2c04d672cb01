package dev.oms.flow;

import dev.oms.flow.FlowBuckets.Bucket;
import dev.oms.flow.HealthSnapshot.PostgresHealth;
import dev.oms.flow.HealthSnapshot.RedisHealth;
import dev.oms.http.Causes;
import dev.oms.http.RedisProblem;
import dev.oms.job.InventoryJobQueue;
import dev.oms.job.ProbeRedis;
import dev.oms.job.Workers;
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
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;

/**
 * Takes a {@link HealthSnapshot}: queries PostgreSQL and Redis at the same time and waits 3 seconds at most. The part
 * of a server that does not answer by then, or fails, is null.
 */
@ApplicationScoped
class TakeHealthSnapshot {
    private static final Logger LOG = Logger.getLogger(TakeHealthSnapshot.class);

    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    /** Less often than the rest, because this query reads every item. */
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
    private final Probe<RedisHealth> redis = new Probe<>(this::probeRedis);
    private final Probe<Optional<RedisProblem>> redisProblem;
    private final Probe<PostgresHealth> postgres = new Probe<>(this::probePostgres);

    // Each is used by one probe only, which runs on one thread at a time.
    private volatile List<Bucket> history = List.of();
    private volatile long lowStock;
    private volatile Instant lowStockCountedAt = Instant.MIN;

    TakeHealthSnapshot(
            InventoryJobQueue queue,
            Workers workers,
            ProbeRedis probeRedis,
            FlowBuckets buckets,
            AgroalDataSource dataSource,
            Clock clock) {
        this.queue = queue;
        this.workers = workers;
        this.redisProblem = new Probe<>(() -> Optional.ofNullable(probeRedis.find()));
        this.buckets = buckets;
        this.dataSource = dataSource;
        this.clock = clock;
    }

    /** Concurrent callers take turns. */
    synchronized HealthSnapshot take() {
        Instant at = clock.instant();
        redis.start();
        redisProblem.start();
        postgres.start();
        long deadlineNanos = System.nanoTime() + TIMEOUT.toNanos();
        RedisHealth health = redis.await(deadlineNanos);
        Optional<RedisProblem> problem = redisProblem.await(deadlineNanos);
        return new HealthSnapshot(
                at,
                health,
                problem == null ? RedisProblem.UNAVAILABLE : problem.orElse(null),
                postgres.await(deadlineNanos));
    }

    private RedisHealth probeRedis() {
        long last = FlowBuckets.lastComplete(clock.instant());
        if (history.isEmpty() || history.getLast().start() != last) {
            history = buckets.read(last);
        }
        return new RedisHealth(
                queue.depth(), queue.oldestAge().toSeconds(), workers.list(), workers.lastReconciliation(), history);
    }

    private PostgresHealth probePostgres() throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Instant now = clock.instant();
            if (lowStockCountedAt.plus(COUNT_LOW_STOCK_EVERY).isBefore(now)) {
                lowStock = numbers(connection, COUNT_LOW_STOCK, 1)[0];
                lowStockCountedAt = now;
            }
            long[] failed = numbers(connection, COUNT_FAILED, 2);
            return new PostgresHealth(failed[0], failed[1], lowStock);
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

    /** A query to one server. While it is unanswered, it is not sent again. */
    private final class Probe<T> {
        private final Callable<T> query;
        private Future<T> answer;

        Probe(Callable<T> query) {
            this.query = query;
        }

        void start() {
            if (answer == null || answer.isDone()) {
                answer = threads.submit(query);
            }
        }

        /** The answer, or null if the query fails or the deadline passes. */
        T await(long deadlineNanos) {
            try {
                return answer.get(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
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
