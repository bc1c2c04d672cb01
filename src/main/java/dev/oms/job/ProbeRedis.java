package dev.oms.job;

import dev.oms.http.RedisConfig;
import dev.oms.http.RedisProblem;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;

/**
 * Asks Redis whether workers can use it: it takes writes, and the key of the stream holds a stream, if anything. A
 * {@code PING} is not enough: a replica and a full Redis answer it, too.
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
                        redis.execute("SET", key, "", "PX", "10000").replaceWith(Optional::<RedisProblem>empty);
                    default -> Uni.createFrom().item(Optional.of(RedisProblem.WRONG_TYPE));
                })
                .ifNoItem()
                .after(TIMEOUT)
                .fail()
                .onFailure()
                .recoverWithItem(e -> Optional.of(RedisProblem.of(e)));
    }

    /** As {@link #ask}, or null if there is no problem. Blocks. */
    public RedisProblem find() {
        return ask().await().indefinitely().orElse(null);
    }
}
