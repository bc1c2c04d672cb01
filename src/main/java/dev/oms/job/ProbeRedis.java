package dev.oms.job;

import dev.oms.http.RedisConfig;
import dev.oms.http.RedisProblem;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.redis.client.Response;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;

/**
 * Asks Redis whether workers can use it: it takes writes, allows the commands without which no order is settled, and
 * the key of the stream holds a stream, if anything. A {@code PING} is not enough: a replica and a full Redis answer
 * it, too.
 */
@ApplicationScoped
public class ProbeRedis {
    /** Below the time-out of a probe. */
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final ReactiveRedisDataSource redis;
    private final String stream;
    private final String key;

    ProbeRedis(ReactiveRedisDataSource redis, RedisConfig config) {
        this.redis = redis;
        this.stream = config.key(InventoryJobQueue.STREAM);
        this.key = config.key("probe");
    }

    /** The problem, if there is one, after 2 s at most. Does not fail. */
    Uni<Optional<RedisProblem>> ask() {
        return redis.execute("TYPE", stream)
                .chain(type -> switch (type.toString()) {
                    case "stream", "none" ->
                        redis.execute("SET", key, "", "PX", "10000")
                                .chain(this::tryCommands)
                                .replaceWith(Optional::<RedisProblem>empty);
                    default -> Uni.createFrom().item(Optional.of(RedisProblem.WRONG_TYPE));
                })
                .ifNoItem()
                .after(TIMEOUT)
                .fail()
                .onFailure()
                .recoverWithItem(e -> Optional.of(RedisProblem.of(e)));
    }

    /**
     * What is stored under the key of the probe is of another type, so the commands that are allowed change nothing.
     */
    private Uni<Response> tryCommands() {
        return tryCommand("TIME")
                .chain(() -> tryCommand("HSET", key, "name", ""))
                .chain(() -> tryCommand("XGROUP", "CREATE", key, InventoryJobQueue.GROUP, "0"))
                .chain(() -> tryCommand("XADD", key, "*", "name", ""))
                .chain(() -> tryCommand("XREADGROUP", "GROUP", InventoryJobQueue.GROUP, "probe", "STREAMS", key, ">"))
                .chain(() -> tryCommand("XDEL", key, "0-1"))
                .chain(() -> tryCommand("XACK", key, InventoryJobQueue.GROUP, "0-1"));
    }

    private Uni<Response> tryCommand(String command, String... arguments) {
        return redis.execute(command, arguments)
                .onFailure(e -> RedisProblem.of(e) == RedisProblem.WRONG_TYPE)
                .recoverWithNull();
    }

    /** As {@link #ask}, or null if there is no problem. Blocks. */
    public RedisProblem find() {
        return ask().await().indefinitely().orElse(null);
    }
}
