package dev.oms.job;

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
 * What the workers tell of themselves, in Redis, so that web can show it. Nothing depends on it: when it is lost they
 * tell it again.
 */
@ApplicationScoped
public class Workers {
    private static final String WORKERS = "oms:workers";
    private static final String RECONCILIATION = "oms:reconciliation";

    // In one go: a consumer that has just been given a job must not be deleted, for its jobs would go with it.
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

    Workers(RedisDataSource redis) {
        this.redis = redis;
        this.hash = redis.hash(String.class);
        this.values = redis.value(String.class);
    }

    /**
     * A worker as it was last seen.
     *
     * @param inFlight how many jobs it has been given and not acknowledged
     * @param idleSeconds since it last asked for a job
     * @param settled how many orders it has settled since it started
     */
    @RegisterForReflection
    public record Worker(String name, long inFlight, long idleSeconds, Instant startedAt, Long settled) {}

    /** When a worker last looked for lost jobs, and how many it found. */
    @RegisterForReflection
    public record Reconciliation(Instant at, long found) {}

    /** pid@host: another process is another worker, also on the same machine. */
    static String thisProcess() {
        return ManagementFactory.getRuntimeMXBean().getName();
    }

    /** A worker lives, and has settled so many orders. */
    void heartbeat(String name, Instant startedAt, long settled) {
        hash.hset(WORKERS, name, startedAt.toEpochMilli() + " " + settled);
    }

    void recordReconciliation(Instant at, long found) {
        values.set(RECONCILIATION, at.toEpochMilli() + " " + found);
    }

    /** The last reconciliation, or null when none is known of. */
    public Reconciliation lastReconciliation() {
        String[] parts = split(values.get(RECONCILIATION));
        return parts == null
                ? null
                : new Reconciliation(Instant.ofEpochMilli(Long.parseLong(parts[0])), Long.parseLong(parts[1]));
    }

    /** Who reads the stream. */
    public List<Worker> list() {
        Map<String, String> heartbeats = hash.hgetall(WORKERS);
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
            return redis.execute("XINFO", "CONSUMERS", InventoryJobQueue.STREAM, InventoryJobQueue.GROUP);
        } catch (RuntimeException e) {
            // Before the first worker, and after Redis has lost its data, there is no group.
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
     * Drops those that have been silent for a while and hold nothing. What a dead one holds is claimed first, then it
     * goes too.
     *
     * @return how many were dropped
     */
    long dropIdle(Duration idle) {
        return redis.execute(
                        "EVAL",
                        DROP_IDLE,
                        "2",
                        InventoryJobQueue.STREAM,
                        WORKERS,
                        InventoryJobQueue.GROUP,
                        Long.toString(idle.toMillis()))
                .toLong();
    }
}
