package dev.oms.job;

import dev.oms.http.RedisConfig;
import dev.oms.order.StockDue;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.redis.datasource.stream.XGroupCreateArgs;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.StartupEvent;
import io.vertx.mutiny.redis.client.Command;
import io.vertx.mutiny.redis.client.Redis;
import io.vertx.mutiny.redis.client.Request;
import io.vertx.mutiny.redis.client.Response;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.TransactionPhase;
import jakarta.interceptor.Interceptor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * The stream of jobs in Redis: every job is sent, read and acknowledged through this class. A job may be lost,
 * duplicated or late: the order's row is the source of truth, and {@link InventoryJobReconciler} sends lost jobs again.
 *
 * @see <a href="https://redis.io/docs/latest/develop/data-types/streams/">Redis streams</a>
 */
@ApplicationScoped
@Startup
public class InventoryJobQueue {
    private static final Logger LOG = Logger.getLogger(InventoryJobQueue.class);

    /** The stream's key, without the prefix. */
    static final String STREAM = "inventory-jobs";

    static final String GROUP = "workers";

    // Dead by Redis's own clock. Jobs that a consumer has just been given are left to it: it may have been too slow to
    // send its first heartbeat, and Redis may have lost the others.
    private static final String CLAIM = """
            local stream, group, me, count = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
            local time = redis.call('TIME')
            local now = time[1] * 1000 + math.floor(time[2] / 1000)
            local held = 0
            for _, pairs in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
                local consumer = {}
                for i = 1, #pairs, 2 do consumer[pairs[i]] = pairs[i + 1] end
                local beat = redis.call('HGET', KEYS[2], consumer.name)
                local seen = beat and string.match(beat, '^%S+ %S+ (%d+)')
                -- The release before this one sends heartbeats without a time.
                local dead = not beat or seen and now - tonumber(seen) > tonumber(ARGV[4])
                local idle = dead and ARGV[4] or ARGV[5]
                if consumer.name == me then
                    held = held + consumer.pending
                elseif consumer.pending > 0 then
                    local ids = {}
                    for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', '+', count, consumer.name)) do
                        if entry[3] >= tonumber(idle) then ids[#ids + 1] = entry[1] end
                    end
                    if #ids > 0 then
                        local claim = {'XCLAIM', stream, group, me, idle}
                        for _, id in ipairs(ids) do claim[#claim + 1] = id end
                        claim[#claim + 1] = 'JUSTID'
                        held = held + #redis.call(unpack(claim))
                    end
                end
            end
            return held""";

    private final RedisDataSource redis;
    private final DedicatedRedis dedicated;
    private final JobSender sender;
    private final String stream;
    private final String workers;

    InventoryJobQueue(RedisDataSource redis, DedicatedRedis dedicated, RedisConfig config, MeterRegistry meters) {
        this.redis = redis;
        this.dedicated = dedicated;
        this.stream = config.key(STREAM);
        this.workers = config.key(Workers.WORKERS);
        this.sender = new JobSender(dedicated::open, stream);
        FunctionCounter.builder("oms.job.send.failures", sender, JobSender::failures)
                .description("Jobs that could not be sent to Redis; the reconciler sends them again.")
                .register(meters);
    }

    /**
     * Has Quarkus create its Redis clients before the scheduler starts: it keeps them in a map that two threads must
     * not change at a time, and the start would fail now and then.
     */
    void createClients(
            @Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE - 1) StartupEvent event,
            ReactiveRedisDataSource reactive) {
        redis.getReactive();
        reactive.getRedis();
    }

    /** Sends the job of an order after its transaction has committed. Does not wait for Redis. */
    void send(@Observes(during = TransactionPhase.AFTER_SUCCESS) StockDue due) {
        sender.send(due.orderId());
    }

    /** Sends jobs and waits until Redis has them. Throws if any of them cannot be sent. */
    void sendAndWait(List<Long> orderIds) {
        try {
            sender.sendAndWait(orderIds);
        } catch (RuntimeException e) {
            if (e.getMessage() == null || !e.getMessage().contains("stream has exhausted the last possible ID")) {
                throw e;
            }
            // Nobody can add another entry. The orders of those that are lost with it are found again.
            LOG.warn("The stream of jobs has an entry with the last possible id. It is created anew.");
            redis.key().del(stream);
            createGroup();
            sender.sendAndWait(orderIds);
        }
    }

    /** Sends the jobs that still wait. Observed last, when the calls and the batch that queue jobs have ended. */
    void stop(@Observes @Priority(Interceptor.Priority.LIBRARY_AFTER) ShutdownEvent event) {
        sender.stop();
    }

    /**
     * How long the oldest unsettled job has been in the stream; zero if there is none. Measured by Redis's clock alone,
     * which also stamps the entries, so no two clocks are compared. An entry from the future counts as just sent: after
     * a fail-over, the clock may be behind the stream.
     */
    public Duration oldestAge() {
        Response oldest = redis.execute("XRANGE", stream, "-", "+", "COUNT", "1");
        if (oldest.size() == 0) {
            return Duration.ZERO;
        }
        Response time = redis.execute("TIME");
        long nowMillis = time.get(0).toLong() * 1_000 + time.get(1).toLong() / 1_000;
        long sentMillis = Job.sentMillis(oldest.get(0).get(0).toString());
        return Long.compareUnsigned(sentMillis, nowMillis) < 0
                ? Duration.ofMillis(nowMillis - sentMillis)
                : Duration.ZERO;
    }

    /** The number of jobs in the stream. */
    public long depth() {
        return redis.stream(String.class).xlen(stream);
    }

    /** Creates the stream and the group if they are missing: at the first start, and after Redis has lost its data. */
    void createGroup() {
        try {
            // From the beginning, to include jobs sent before the group existed.
            redis.stream(String.class).xgroupCreate(stream, GROUP, "0", new XGroupCreateArgs().mkstream());
        } catch (RuntimeException e) {
            if (e.getMessage() == null || !e.getMessage().contains("BUSYGROUP")) {
                throw e;
            }
        }
    }

    /**
     * Runs {@code reading} with a reader on a connection of its own, on which it may block. Afterwards the connection
     * is closed, so that no reply that Redis still owes is taken for the answer to a later command.
     */
    void read(String consumer, Consumer<Reader> reading) {
        Redis connection = dedicated.open();
        try {
            reading.accept(new Reader(consumer, connection, stream, workers));
        } finally {
            connection.close();
        }
    }

    /** Reads and acknowledges jobs as one consumer of the group. Every command has a deadline. Not thread-safe. */
    static final class Reader {
        /** Above the longest that a read may block, 5 s. */
        private static final Duration TIMEOUT = Duration.ofSeconds(10);

        private final String consumer;
        private final Redis connection;
        private final String stream;
        private final String workers;

        private Reader(String consumer, Redis connection, String stream, String workers) {
            this.consumer = consumer;
            this.connection = connection;
            this.stream = stream;
            this.workers = workers;
        }

        private Response execute(Command command, List<String> arguments) {
            return connection.send(request(command, arguments)).await().atMost(TIMEOUT);
        }

        private static Request request(Command command, List<String> arguments) {
            Request request = Request.cmd(command);
            arguments.forEach(request::arg);
            return request;
        }

        /**
         * Jobs delivered to this consumer and not acknowledged, from the entry after {@code afterEntryId}; "0" for all.
         */
        List<Job> readPending(String afterEntryId, int count) {
            return read(count, List.of(), afterEntryId);
        }

        /** Jobs not yet delivered to any consumer. Blocks while there are none, up to {@code block}. */
        List<Job> readNew(int count, Duration block) {
            // To Redis, 0 would mean to block for ever.
            return read(
                    count, block.toMillis() > 0 ? List.of("BLOCK", Long.toString(block.toMillis())) : List.of(), ">");
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
            arguments.addAll(List.of("STREAMS", stream, entryId));
            Response streams = execute(Command.XREADGROUP, arguments);
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
         * Claims jobs of consumers that are dead, and jobs that any consumer has held for at least {@code idle}, so
         * that it must be stuck. A consumer is dead without a {@linkplain Workers#heartbeat heartbeat} for
         * {@code deadAfter}. {@link #readPending} then returns the jobs. Claiming a job of a worker that is alive after
         * all is safe: whoever settles second finds nothing due.
         *
         * @return the number of jobs that this consumer now holds
         */
        int claimAbandoned(int count, Duration deadAfter, Duration idle) {
            return execute(
                            Command.EVAL,
                            List.of(
                                    CLAIM,
                                    "2",
                                    stream,
                                    workers,
                                    GROUP,
                                    consumer,
                                    // Lua can pass on fewer arguments than a batch may have jobs.
                                    Integer.toString(Math.min(count, 1_000)),
                                    Long.toString(deadAfter.toMillis()),
                                    Long.toString(idle.toMillis())))
                    .toInteger();
        }

        /**
         * Removes jobs from the stream. To be called only after their settlement has committed: until then, a crash
         * must leave them in the stream.
         */
        void acknowledge(List<Job> jobs) {
            if (jobs.isEmpty()) {
                return;
            }
            List<String> delete = new ArrayList<>(List.of(stream));
            List<String> acknowledge = new ArrayList<>(List.of(stream, GROUP));
            for (Job job : jobs) {
                delete.add(job.entryId());
                acknowledge.add(job.entryId());
            }
            // In this order: a crash in between leaves a pending entry without fields, which is read and acknowledged
            // later. The reverse order would leave an entry that is never delivered again and holds back the watermark.
            connection
                    .batch(List.of(request(Command.XDEL, delete), request(Command.XACK, acknowledge)))
                    .await()
                    .atMost(TIMEOUT);
        }
    }
}
