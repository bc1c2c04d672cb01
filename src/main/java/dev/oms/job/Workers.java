package dev.oms.job;

import dev.oms.http.RedisConfig;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.redis.datasource.hash.HashCommands;
import io.quarkus.redis.datasource.value.ValueCommands;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.vertx.mutiny.redis.client.Response;
import jakarta.enterprise.context.ApplicationScoped;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Workers publish their state in Redis, so that web can show it and other workers see who is dead. If Redis loses it,
 * the next heartbeats restore it.
 */
@ApplicationScoped
public class Workers {
    /** The hash of heartbeats, without the prefix. */
    static final String WORKERS = "workers";

    // Stamped by Redis's clock, by which others decide whether this worker is dead.
    private static final String HEARTBEAT = """
            local time = redis.call('TIME')
            redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. time[1] * 1000 + math.floor(time[2] / 1000))""";

    // Atomic: deleting a consumer that has just received a job would delete its pending entries too.
    private static final String DROP_IDLE = """
            local dropped = 0
            local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
            if consumers.err then return 0 end
            for _, pairs in ipairs(consumers) do
                local consumer = {}
                for i = 1, #pairs, 2 do consumer[pairs[i]] = pairs[i + 1] end
                if consumer.pending == 0 and consumer.idle > tonumber(ARGV[2]) then
                    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
                    redis.call('HDEL', KEYS[2], consumer.name)
                    dropped = dropped + 1
                end
            end
            return dropped""";

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
        redis.execute("EVAL", HEARTBEAT, "1", workers, name, startedAt.toEpochMilli() + " " + settled);
    }

    void recordReconciliation(Instant at, long found) {
        values.set(reconciliation, at.toEpochMilli() + " " + found);
    }

    /** The last reconciliation, or null if none is known. */
    public Reconciliation lastReconciliation() {
        String[] parts = split(values.get(reconciliation));
        return parts == null
                ? null
                : new Reconciliation(Instant.ofEpochMilli(Long.parseLong(parts[0])), Long.parseLong(parts[1]));
    }

    /** All workers that read the stream. */
    public List<Worker> list() {
        Map<String, String> heartbeats = hash.hgetall(workers);
        List<Worker> workers = new ArrayList<>();
        for (Response consumer : consumers()) {
            Map<String, Response> fields = new HashMap<>();
            for (int i = 0; i + 1 < consumer.size(); i += 2) {
                fields.put(consumer.get(i).toString(), consumer.get(i + 1));
            }
            String name = fields.get("name").toString();
            String[] heartbeat = split(heartbeats.get(name));
            workers.add(new Worker(
                    name,
                    fields.get("pending").toLong(),
                    fields.get("idle").toLong() / 1_000,
                    heartbeat == null ? null : Instant.ofEpochMilli(Long.parseLong(heartbeat[0])),
                    heartbeat == null ? null : Long.valueOf(heartbeat[1])));
        }
        return workers;
    }

    private Iterable<Response> consumers() {
        try {
            return redis.execute("XINFO", "CONSUMERS", stream, InventoryJobQueue.GROUP);
        } catch (RuntimeException e) {
            // There is no group before the first worker has started, and after Redis has lost its data.
            if (e.getMessage() != null && e.getMessage().matches("(?s).*(NOGROUP|no such key).*")) {
                return List.of();
            }
            throw e;
        }
    }

    private static String[] split(String text) {
        return text == null ? null : text.split(" ");
    }

    /**
     * Drops workers that have been idle for longer than {@code idle} and hold no job. The jobs of a dead worker are
     * claimed by another one first; then it is dropped too.
     *
     * @return the number of workers dropped
     */
    long dropIdle(Duration idle) {
        return redis.execute(
                        "EVAL",
                        DROP_IDLE,
                        "2",
                        stream,
                        workers,
                        InventoryJobQueue.GROUP,
                        Long.toString(idle.toMillis()))
                .toLong();
    }
}
