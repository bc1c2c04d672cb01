package dev.oms.job;

import dev.oms.http.RedisConfig;
import dev.oms.http.RedisProblem;
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
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

    private static final String LAST_ID = "18446744073709551615-18446744073709551615";

    /** How many entries that the group has passed are removed at a time. */
    private static final int PASSED_MAX = 1_000;

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
     * How long the oldest job that a worker holds or can be given has been in the stream; zero if there is none.
     * Measured by Redis's clock alone, which also stamps the entries, so no two clocks are compared. An entry from the
     * future counts as just sent: after a fail-over, the clock may be behind the stream.
     */
    public Duration oldestAge() {
        String oldest = oldest();
        if (oldest == null) {
            return Duration.ZERO;
        }
        long nowMillis = Replies.millis(redis.execute("TIME"));
        long sentMillis = Job.sentMillis(oldest);
        return Long.compareUnsigned(sentMillis, nowMillis) < 0
                ? Duration.ofMillis(nowMillis - sentMillis)
                : Duration.ZERO;
    }

    private String oldest() {
        Map<String, Response> group = group();
        if (group == null) {
            return first("-");
        }
        // In this order: a job that is delivered or acknowledged meanwhile is not missed.
        String passed = group.get("last-delivered-id").toString();
        String held = oldestHeld();
        String waiting = passed.equals(LAST_ID) ? null : first("(" + passed);
        return held == null || waiting != null && Job.compareIds(waiting, held) < 0 ? waiting : held;
    }

    private String first(String from) {
        Response entries = redis.execute("XRANGE", stream, from, "+", "COUNT", "1");
        return entries.size() == 0 ? null : entries.get(0).get(0).toString();
    }

    /** The oldest entry that has been delivered and not acknowledged, or null. */
    private String oldestHeld() {
        try {
            Response oldest = redis.execute("XPENDING", stream, GROUP).get(1);
            return oldest == null ? null : oldest.toString();
        } catch (RuntimeException e) {
            if (RedisProblem.isMissing(e)) {
                return null;
            }
            throw e;
        }
    }

    /** What Redis knows of the group, or null if there is none. */
    private Map<String, Response> group() {
        try {
            for (Response group : redis.execute("XINFO", "GROUPS", stream)) {
                Map<String, Response> fields = Replies.fields(group);
                if (fields.get("name").toString().equals(GROUP)) {
                    return fields;
                }
            }
        } catch (RuntimeException e) {
            if (!RedisProblem.isMissing(e)) {
                throw e;
            }
        }
        return null;
    }

    /**
     * Mends what keeps jobs from the workers: a key that is no stream, a group that waits for entries which are yet to
     * come, and entries that the group has passed although nobody holds them. OMS itself leaves none of these behind.
     * The jobs that are lost are found by their orders' rows.
     */
    void mend() {
        try {
            Map<String, Response> group = group();
            if (group != null) {
                mend(group.get("last-delivered-id").toString());
            }
        } catch (RuntimeException e) {
            if (RedisProblem.isMissing(e)) {
                return;
            }
            if (RedisProblem.of(e) != RedisProblem.WRONG_TYPE) {
                throw e;
            }
            LOG.warnf("The key %s holds no stream. It is deleted; lost jobs are sent again.", stream);
            redis.execute("DEL", stream);
        }
    }

    private void mend(String passed) {
        String added = Replies.fields(redis.execute("XINFO", "STREAM", stream))
                .get("last-generated-id")
                .toString();
        if (Job.compareIds(passed, added) > 0) {
            LOG.warnf(
                    "The workers' group of %s waits for %s, but the last entry was %s. It starts again.",
                    stream, passed, added);
            redis.execute("XGROUP", "SETID", stream, GROUP, "0");
            return;
        }
        // Settled jobs are deleted before they are acknowledged, so what was passed and is held by nobody is not
        // settled.
        String held = oldestHeld();
        String end = held != null && Job.compareIds(held, passed) <= 0 ? "(" + held : passed;
        Response entries = redis.execute("XRANGE", stream, "-", end, "COUNT", Integer.toString(PASSED_MAX));
        if (entries.size() > 0) {
            List<String> delete = new ArrayList<>(List.of(stream));
            entries.forEach(entry -> delete.add(entry.get(0).toString()));
            redis.execute("XDEL", delete.toArray(String[]::new));
            LOG.warnf("Removed %d jobs that no worker could be given. They are sent again.", entries.size());
        }
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
        static final Duration TIMEOUT = Duration.ofSeconds(10);

        /** Of names: another program may have named its consumer in any encoding. */
        static final Charset BYTES = StandardCharsets.ISO_8859_1;

        /** When it was started, the orders that it has settled, and its time. The release before had no time. */
        private static final Pattern HEARTBEAT = Pattern.compile("\\S+ \\S+ (\\d{1,18})");

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

        static Request request(Command command, List<String> arguments) {
            Request request = Request.cmd(command);
            arguments.forEach(argument -> request.arg(argument, BYTES.name()));
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

        /**
         * Jobs in the stream whether there is a group or not, from the entry after {@code afterEntryId} or from "-".
         */
        List<Job> readWithoutGroup(String afterEntryId, int count) {
            String from = afterEntryId.equals("-") ? "-" : "(" + afterEntryId;
            List<Job> jobs = new ArrayList<>();
            execute(Command.XRANGE, List.of(stream, from, "+", "COUNT", Integer.toString(count)))
                    .forEach(entry -> jobs.add(job(entry)));
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
            int held = 0;
            List<String> others = new ArrayList<>();
            for (Response reply : execute(Command.XINFO, List.of("CONSUMERS", stream, GROUP))) {
                Map<String, Response> fields = Replies.fields(reply);
                String name = fields.get("name").toString(BYTES);
                int pending = fields.get("pending").toInteger();
                if (name.equals(consumer)) {
                    held += pending;
                } else if (pending > 0) {
                    others.add(name);
                }
            }
            if (others.isEmpty()) {
                return held;
            }
            List<String> keyAndNames = new ArrayList<>(List.of(workers));
            keyAndNames.addAll(others);
            Response heartbeats = execute(Command.HMGET, keyAndNames);
            long nowMillis = Replies.millis(execute(Command.TIME, List.of()));
            for (int i = 0; i < others.size(); i++) {
                boolean dead = isDead(heartbeats.get(i), nowMillis, deadAfter);
                held += claim(others.get(i), count, Long.toString((dead ? deadAfter : idle).toMillis()));
            }
            return held;
        }

        /**
         * By Redis's clock. Without a heartbeat, its jobs must still be idle: it may have been too slow to send its
         * first, and Redis may have lost the others.
         */
        private static boolean isDead(Response heartbeat, long nowMillis, Duration deadAfter) {
            if (heartbeat == null) {
                return true;
            }
            Matcher matcher = HEARTBEAT.matcher(heartbeat.toString());
            return matcher.lookingAt() && nowMillis - Long.parseLong(matcher.group(1)) > deadAfter.toMillis();
        }

        private int claim(String other, int count, String idleMillis) {
            List<String> claim = new ArrayList<>(List.of(stream, GROUP, consumer, idleMillis));
            execute(
                            Command.XPENDING,
                            List.of(stream, GROUP, "IDLE", idleMillis, "-", "+", Integer.toString(count), other))
                    .forEach(entry -> claim.add(entry.get(0).toString()));
            if (claim.size() == 4) {
                return 0;
            }
            claim.add("JUSTID");
            return execute(Command.XCLAIM, claim).size();
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
