package dev.oms.job;

import dev.oms.order.StockDue;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.redis.datasource.stream.StreamCommands;
import io.quarkus.redis.datasource.stream.StreamRange;
import io.quarkus.redis.datasource.stream.XGroupCreateArgs;
import io.quarkus.runtime.Startup;
import io.vertx.mutiny.redis.client.Redis;
import io.vertx.mutiny.redis.client.Response;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.TransactionPhase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The stream of jobs in Redis: every job is sent, read and acknowledged through this class. A job may be lost,
 * duplicated or late: the order's row is the source of truth, and {@link InventoryJobReconciler} sends lost jobs again.
 *
 * @see <a href="https://redis.io/docs/latest/develop/data-types/streams/">Redis streams</a>
 */
@ApplicationScoped
@Startup
public class InventoryJobQueue {
    static final String STREAM = "oms:inventory-jobs";
    static final String GROUP = "workers";

    private final RedisDataSource redis;
    private final JobSender sender;

    InventoryJobQueue(RedisDataSource redis, Redis client, MeterRegistry meters) {
        this.redis = redis;
        this.sender = new JobSender(client);
        FunctionCounter.builder("oms.job.send.failures", sender, JobSender::failures)
                .description("Jobs that could not be sent to Redis; the reconciler sends them again.")
                .register(meters);
    }

    /** Sends the job of an order after its transaction has committed. Does not wait for Redis. */
    void send(@Observes(during = TransactionPhase.AFTER_SUCCESS) StockDue due) {
        sender.send(due.orderId());
    }

    /** Sends jobs and waits until Redis has them. Throws if any of them cannot be sent. */
    void sendAndWait(List<Long> orderIds) {
        sender.sendAndWait(orderIds);
    }

    /** When the oldest unsettled job was sent, or now if there is none. A job sent before that is settled or lost. */
    Instant watermark() {
        // Read the clock before the stream: a job sent in between must not be taken for lost.
        Instant now = now();
        return oldest().orElse(now);
    }

    /** How long the oldest job has been in the stream. */
    public Duration oldestAge() {
        Instant now = now();
        // The oldest job may have been sent after the clock was read.
        return oldest().filter(oldest -> oldest.isBefore(now))
                .map(oldest -> Duration.between(oldest, now))
                .orElse(Duration.ZERO);
    }

    /** The number of jobs in the stream. */
    public long depth() {
        return commands(redis).xlen(STREAM);
    }

    /** The time by Redis's clock, which also stamps the entries' ids. */
    private Instant now() {
        return Instant.ofEpochSecond(redis.execute("TIME").get(0).toLong());
    }

    private Optional<Instant> oldest() {
        return commands(redis).xrange(STREAM, StreamRange.of("-", "+"), 1).stream()
                .findFirst()
                .map(message -> Instant.ofEpochMilli(Long.parseLong(message.id().split("-")[0])));
    }

    /** Creates the stream and the group if they are missing: at the first start, and after Redis has lost its data. */
    void createGroup() {
        try {
            // From the beginning, to include jobs sent before the group existed.
            commands(redis).xgroupCreate(STREAM, GROUP, "0", new XGroupCreateArgs().mkstream());
        } catch (RuntimeException e) {
            if (e.getMessage() == null || !e.getMessage().contains("BUSYGROUP")) {
                throw e;
            }
        }
    }

    /** Runs {@code reading} with a reader on a dedicated connection, on which it may block. */
    void read(String consumer, Consumer<Reader> reading) {
        redis.withConnection(connection -> reading.accept(new Reader(consumer, connection)));
    }

    private static StreamCommands<String, String, String> commands(RedisDataSource redis) {
        return redis.stream(String.class);
    }

    /** Reads and acknowledges jobs as one consumer of the group. Not thread-safe. */
    static final class Reader {
        private final String consumer;
        private final RedisDataSource connection;

        private Reader(String consumer, RedisDataSource connection) {
            this.consumer = consumer;
            this.connection = connection;
        }

        /**
         * Jobs delivered to this consumer and not acknowledged, from the entry after {@code afterEntryId}; "0" for all.
         */
        List<Job> readPending(String afterEntryId, int count) {
            return read(count, List.of(), afterEntryId);
        }

        /** Jobs not yet delivered to any consumer. Blocks while there are none, up to {@code block}. */
        List<Job> readNew(int count, Duration block) {
            return read(count, List.of("BLOCK", Long.toString(block.toMillis())), ">");
        }

        /** Resets this consumer's idle time: before Redis 7.2, a consumer that waits for new jobs counts as idle. */
        void keepAlive() {
            readPending("0", 1);
        }

        // Decoded by hand: the client's decoder fails on an entry that was deleted while it was pending.
        private List<Job> read(int count, List<String> options, String entryId) {
            List<String> arguments =
                    new ArrayList<>(List.of("GROUP", GROUP, consumer, "COUNT", Integer.toString(count)));
            arguments.addAll(options);
            arguments.addAll(List.of("STREAMS", STREAM, entryId));
            Response streams = connection.execute("XREADGROUP", arguments.toArray(String[]::new));
            List<Job> jobs = new ArrayList<>();
            if (streams != null) {
                streams.get(0).get(1).forEach(entry -> jobs.add(job(entry)));
            }
            return jobs;
        }

        private static Job job(Response entry) {
            Map<String, String> fields = new HashMap<>();
            Response content = entry.get(1);
            for (int i = 0; content != null && i + 1 < content.size(); i += 2) {
                fields.put(content.get(i).toString(), content.get(i + 1).toString());
            }
            return Job.of(entry.get(0).toString(), fields);
        }

        /**
         * Claims jobs that another consumer has held for at least {@code idle}, so that it must be dead.
         * {@link #readPending} then returns them.
         *
         * @return whether any job was claimed
         */
        boolean claimAbandoned(int count, Duration idle) {
            Response claimed = connection.execute(
                    "XAUTOCLAIM",
                    STREAM,
                    GROUP,
                    consumer,
                    Long.toString(idle.toMillis()),
                    "0",
                    "COUNT",
                    Integer.toString(count),
                    "JUSTID");
            return claimed.get(1).size() > 0;
        }

        /**
         * Removes jobs from the stream. To be called only after their settlement has committed: until then, a crash
         * must leave them in the stream.
         */
        void acknowledge(List<Job> jobs) {
            if (jobs.isEmpty()) {
                return;
            }
            String[] ids = jobs.stream().map(Job::entryId).toArray(String[]::new);
            // In this order: a crash in between leaves a pending entry without fields, which is read and acknowledged
            // later. The reverse order would leave an entry that is never delivered again and holds back the watermark.
            commands(connection).xdel(STREAM, ids);
            commands(connection).xack(STREAM, GROUP, ids);
        }
    }
}
