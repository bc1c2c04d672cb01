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
 * The stream of jobs in Redis, and the only class that speaks to it. A job that is sent may be lost, doubled or late:
 * the order's row is the truth, and {@link InventoryJobReconciler} sends again what the stream has lost.
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
                .description("Jobs that Redis could not be given; the reconciler sends them again.")
                .register(meters);
    }

    /** Sends the job of an order, once that order is committed, and does not wait for Redis. */
    void send(@Observes(during = TransactionPhase.AFTER_SUCCESS) StockDue due) {
        sender.send(due.orderId());
    }

    /** Sends jobs and waits until Redis has them. */
    void sendAndWait(List<Long> orderIds) {
        sender.sendAndWait(orderIds);
    }

    /**
     * The time of the oldest job that is not settled; what was sent before it has been, or is lost. Now, without any.
     */
    Instant watermark() {
        // Asked before the stream: a job that is sent in between must not be mistaken for an old one.
        Instant now = now();
        return oldest().orElse(now);
    }

    /** How long the oldest job has been in the stream. */
    public Duration oldestAge() {
        Instant now = now();
        // What came after that question may be the oldest by now.
        return oldest().filter(oldest -> oldest.isBefore(now))
                .map(oldest -> Duration.between(oldest, now))
                .orElse(Duration.ZERO);
    }

    /** How many jobs are in the stream. */
    public long depth() {
        return commands(redis).xlen(STREAM);
    }

    /** By Redis's clock, as the entries' ids are. */
    private Instant now() {
        return Instant.ofEpochSecond(redis.execute("TIME").get(0).toLong());
    }

    private Optional<Instant> oldest() {
        return commands(redis).xrange(STREAM, StreamRange.of("-", "+"), 1).stream()
                .findFirst()
                .map(message -> Instant.ofEpochMilli(Long.parseLong(message.id().split("-")[0])));
    }

    /** Makes stream and group where they are missing: at the first start, and after Redis has lost them. */
    void createGroup() {
        try {
            // From the beginning: what was sent before there was a group counts too.
            commands(redis).xgroupCreate(STREAM, GROUP, "0", new XGroupCreateArgs().mkstream());
        } catch (RuntimeException e) {
            if (e.getMessage() == null || !e.getMessage().contains("BUSYGROUP")) {
                throw e;
            }
        }
    }

    /** Lends a reader with a Redis connection of its own, on which it may block. */
    void read(String consumer, Consumer<Reader> reading) {
        redis.withConnection(connection -> reading.accept(new Reader(consumer, connection)));
    }

    private static StreamCommands<String, String, String> commands(RedisDataSource redis) {
        return redis.stream(String.class);
    }

    /** One consumer's hold on the stream. Not for more than one thread. */
    static final class Reader {
        private final String consumer;
        private final RedisDataSource connection;

        private Reader(String consumer, RedisDataSource connection) {
            this.consumer = consumer;
            this.connection = connection;
        }

        /** What this consumer has been given before and not acknowledged, after an entry; "0" for the first. */
        List<Job> readPending(String afterEntryId, int count) {
            return read(count, List.of(), afterEntryId);
        }

        /** What nobody has been given yet; waits a while for it when there is nothing. */
        List<Job> readNew(int count, Duration block) {
            return read(count, List.of("BLOCK", Long.toString(block.toMillis())), ">");
        }

        /** Keeps this consumer among those that are there: before Redis 7.2, who is given nothing counts as idle. */
        void keepAlive() {
            readPending("0", 1);
        }

        // By hand: the client's own decoder fails on an entry that was deleted while it was pending.
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
         * Takes over what another consumer was given and has not acknowledged for so long that it must be dead. It is
         * then among what is {@link #readPending} here.
         *
         * @return whether there was any
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
         * Takes jobs off the stream. Only ever after the commit of what they asked for: till then a crash leaves them
         * there.
         */
        void acknowledge(List<Job> jobs) {
            if (jobs.isEmpty()) {
                return;
            }
            String[] ids = jobs.stream().map(Job::entryId).toArray(String[]::new);
            // In this order: a crash in between leaves an empty entry that is pending, and so is read and acknowledged.
            // The other way round would leave a job that nobody is ever given, at which the watermark would stop.
            commands(connection).xdel(STREAM, ids);
            commands(connection).xack(STREAM, GROUP, ids);
        }
    }
}
