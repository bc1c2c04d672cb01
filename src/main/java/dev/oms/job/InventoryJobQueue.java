package dev.oms.job;

import dev.oms.order.StockDue;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.redis.datasource.stream.StreamCommands;
import io.quarkus.redis.datasource.stream.StreamMessage;
import io.quarkus.redis.datasource.stream.StreamRange;
import io.quarkus.redis.datasource.stream.XGroupCreateArgs;
import io.quarkus.redis.datasource.stream.XReadGroupArgs;
import io.vertx.mutiny.redis.client.Redis;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.TransactionPhase;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;

/**
 * The stream of jobs in Redis, and the only class that speaks to it. A job that is sent may be lost, doubled or late:
 * the order's row is the truth, and {@link InventoryJobReconciler} sends again what the stream has lost.
 *
 * @see <a href="https://redis.io/docs/latest/develop/data-types/streams/">Redis streams</a>
 */
@ApplicationScoped
class InventoryJobQueue {
    static final String STREAM = "oms:inventory-jobs";
    static final String GROUP = "workers";

    private final RedisDataSource redis;
    private final JobSender sender;

    InventoryJobQueue(RedisDataSource redis, Redis client) {
        this.redis = redis;
        this.sender = new JobSender(client);
    }

    /** Sends the job of an order, once that order is committed, and does not wait for Redis. */
    void send(@Observes(during = TransactionPhase.AFTER_SUCCESS) StockDue due) {
        sender.send(due.orderId());
    }

    /** Sends jobs and waits until Redis has them. */
    void sendAndWait(List<Long> orderIds) {
        sender.sendAndWait(orderIds);
    }

    /** How many jobs could not be sent since the start. */
    long sendFailures() {
        return sender.failures();
    }

    /**
     * The time of the oldest job that is not settled; what was sent before it has been, or is lost. Now, without any.
     */
    Instant watermark() {
        // Asked before the stream: a job that is sent in between must not be mistaken for an old one.
        Instant now = redis.execute("TIME") instanceof io.vertx.mutiny.redis.client.Response time
                ? Instant.ofEpochSecond(time.get(0).toLong())
                : null;
        List<StreamMessage<String, String, String>> first = commands(redis).xrange(STREAM, StreamRange.of("-", "+"), 1);
        return first.isEmpty()
                ? now
                : Instant.ofEpochMilli(Long.parseLong(first.getFirst().id().split("-")[0]));
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
        redis.withConnection(connection -> reading.accept(new Reader(consumer, commands(connection))));
    }

    private static StreamCommands<String, String, String> commands(RedisDataSource redis) {
        return redis.stream(String.class);
    }

    /** One consumer's hold on the stream. Not for more than one thread. */
    static final class Reader {
        private final String consumer;
        private final StreamCommands<String, String, String> stream;

        private Reader(String consumer, StreamCommands<String, String, String> stream) {
            this.consumer = consumer;
            this.stream = stream;
        }

        /** What this consumer has read before and not acknowledged, after an entry; "0" for the first. */
        List<Job> unacknowledged(String afterEntryId, int count) {
            return jobs(stream.xreadgroup(GROUP, consumer, STREAM, afterEntryId, new XReadGroupArgs().count(count)));
        }

        /** What nobody has read yet; waits a while for it when there is nothing. */
        List<Job> fresh(int count, Duration block) {
            return jobs(stream.xreadgroup(
                    GROUP,
                    consumer,
                    STREAM,
                    ">",
                    new XReadGroupArgs().count(count).block(block)));
        }

        /** What another consumer has read and not acknowledged for so long that it must be dead. */
        List<Job> abandoned(int count, Duration idle) {
            return jobs(
                    stream.xautoclaim(STREAM, GROUP, consumer, idle, "0", count).getMessages());
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
            stream.xack(STREAM, GROUP, ids);
            stream.xdel(STREAM, ids);
        }

        private static List<Job> jobs(List<StreamMessage<String, String, String>> messages) {
            return messages.stream()
                    .map(message -> Job.of(message.id(), message.payload()))
                    .toList();
        }
    }
}
