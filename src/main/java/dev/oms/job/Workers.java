package dev.oms.job;

import dev.oms.http.RedisConfig;
import dev.oms.http.RedisProblem;
import dev.oms.job.InventoryJobQueue.Reader;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.redis.datasource.hash.HashCommands;
import io.quarkus.redis.datasource.value.ValueCommands;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.vertx.mutiny.redis.client.Command;
import io.vertx.mutiny.redis.client.Request;
import io.vertx.mutiny.redis.client.Response;
import jakarta.enterprise.context.ApplicationScoped;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Workers publish their state in Redis, so that web can show it and other workers see who is dead. If Redis loses it,
 * the next heartbeats restore it.
 */
@ApplicationScoped
public class Workers {
    /** The hash of heartbeats, without the prefix. */
    static final String WORKERS = "workers";

    /** A time in milliseconds and a number. Anything else was not stored by OMS. */
    private static final Pattern STORED = Pattern.compile("(\\d{1,15}) (\\d{1,18})\\b");

    private final RedisDataSource redis;
    private final HashCommands<String, String, String> hash;
    private final ValueCommands<String, String> values;
    private final String stream;
    private final String workers;
    private final String reconciliation;

    Workers(RedisDataSource redis, RedisConfig config) {
        this.redis = redis;
        this.stream = config.key(InventoryJobQueue.STREAM);
        this.workers = config.key(WORKERS);
        this.reconciliation = config.key("reconciliation");
        this.hash = redis.hash(String.class);
        this.values = redis.value(String.class);
    }

    /**
     * The last known state of a worker.
     *
     * @param inFlight the number of jobs delivered to it and not acknowledged
     * @param idleSeconds the time since it last asked for a job
     * @param startedAt null before its first heartbeat
     * @param settled the number of orders that it has settled since it started; null before its first heartbeat
     */
    @RegisterForReflection
    public record Worker(String name, long inFlight, long idleSeconds, Instant startedAt, Long settled) {}

    /** When a worker last looked for lost and failed jobs, and how many it sent again. */
    @RegisterForReflection
    public record Reconciliation(Instant at, long found) {}

    /** pid@host, so that two processes on one machine are two workers. */
    static String thisProcess() {
        return ManagementFactory.getRuntimeMXBean().getName();
    }

    /** Records that a worker is alive, and how many orders it has settled. */
    void heartbeat(String name, Instant startedAt, long settled) {
        // By Redis's clock, by which others decide whether this worker is dead. Without a script, since not every Redis
        // allows one.
        Response time = redis.execute("TIME");
        String heartbeat = startedAt.toEpochMilli() + " " + settled + " " + Replies.millis(time);
        try {
            hash.hset(workers, name, heartbeat);
        } catch (RuntimeException e) {
            if (RedisProblem.of(e) != RedisProblem.WRONG_TYPE) {
                throw e;
            }
            // Without the hash, no worker's jobs would be claimed.
            redis.execute("DEL", workers);
            hash.hset(workers, name, heartbeat);
        }
    }

    void recordReconciliation(Instant at, long found) {
        values.set(reconciliation, at.toEpochMilli() + " " + found);
    }

    /** The last reconciliation, or null if none is known. */
    public Reconciliation lastReconciliation() {
        Matcher stored = stored(values.get(reconciliation));
        return stored.lookingAt()
                ? new Reconciliation(
                        Instant.ofEpochMilli(Long.parseLong(stored.group(1))), Long.parseLong(stored.group(2)))
                : null;
    }

    /** All workers that read the stream. */
    public List<Worker> list() {
        Map<String, String> heartbeats = hash.hgetall(workers);
        List<Worker> list = new ArrayList<>();
        for (Response consumer : consumers()) {
            Map<String, Response> fields = Replies.fields(consumer);
            String name = fields.get("name").toString();
            Matcher heartbeat = stored(heartbeats.get(name));
            boolean isKnown = heartbeat.lookingAt();
            list.add(new Worker(
                    name,
                    fields.get("pending").toLong(),
                    fields.get("idle").toLong() / 1_000,
                    isKnown ? Instant.ofEpochMilli(Long.parseLong(heartbeat.group(1))) : null,
                    isKnown ? Long.valueOf(heartbeat.group(2)) : null));
        }
        return list;
    }

    private Iterable<Response> consumers() {
        try {
            return redis.execute("XINFO", "CONSUMERS", stream, InventoryJobQueue.GROUP);
        } catch (RuntimeException e) {
            // There is no group before the first worker has started, and after Redis has lost its data.
            if (RedisProblem.isMissing(e)) {
                return List.of();
            }
            throw e;
        }
    }

    private static Matcher stored(String text) {
        return STORED.matcher(text == null ? "" : text);
    }

    /**
     * Drops workers that have been idle for longer than {@code idle} and hold no job. The jobs of a dead worker are
     * claimed by another one first; then it is dropped too. Should a worker wake up and get jobs in that very moment,
     * they leave the group with it, and the reconciler finds them.
     *
     * @return the number of workers dropped
     */
    long dropIdle(Duration idle) {
        long dropped = 0;
        for (Response consumer : consumers()) {
            Map<String, Response> fields = Replies.fields(consumer);
            if (fields.get("pending").toLong() == 0 && fields.get("idle").toLong() > idle.toMillis()) {
                String name = fields.get("name").toString(Reader.BYTES);
                Request delete =
                        Reader.request(Command.XGROUP, List.of("DELCONSUMER", stream, InventoryJobQueue.GROUP, name));
                redis.getReactive().getRedis().send(delete).await().atMost(Reader.TIMEOUT);
                hash.hdel(workers, name);
                dropped++;
            }
        }
        return dropped;
    }
}
