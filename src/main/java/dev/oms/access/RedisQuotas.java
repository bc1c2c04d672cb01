package dev.oms.access;

import dev.oms.access.Quota.Decision;
import dev.oms.http.Causes;
import dev.oms.http.RedisConfig;
import dev.oms.http.RedisProblem;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.redis.client.Response;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import org.jboss.logging.Logger;

/**
 * Takes units from the quotas in Redis, which all processes share, by Redis's clock. When Redis fails for one call, no
 * other asks it: it is tried again in the background once a second, so that a Redis that does not answer delays nobody.
 */
@ApplicationScoped
class RedisQuotas {
    private static final Logger LOG = Logger.getLogger(RedisQuotas.class);

    /** As {@link Quota#take}. The number is kept as text, because Lua would write it with an exponent. */
    private static final String SCRIPT = """
            local rate, min, max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
            local time = redis.call('TIME')
            local now = time[1] * 1000000 + time[2]
            local ahead = math.max((tonumber(redis.call('GET', KEYS[1]) or '0') or 0) - now, 0)
            -- The clock may have been set back.
            ahead = math.min(ahead, 1000000)
            local available = math.floor((1000000 - ahead) * rate / 1000000)
            if available < min then
                return {0, available, math.ceil(ahead + min * 1000000 / rate - 1000000)}
            end
            local granted = math.min(available, max)
            ahead = ahead + math.floor(granted * 1000000 / rate)
            redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000))
            return {granted, available - granted, ahead}""";

    /** No key and no subject has this name. */
    private static final String PROBE = "probe";

    /** A call waits no longer than this for Redis. */
    private static final Duration TIMEOUT = Duration.ofMillis(250);

    private static final Duration PROBE_EVERY = Duration.ofSeconds(1);

    private final ReactiveRedisDataSource redis;
    private final String prefix;
    private volatile boolean isDown;

    RedisQuotas(ReactiveRedisDataSource redis, RedisConfig config) {
        this.redis = redis;
        this.prefix = config.key("quota:");
    }

    /** Whether Redis has failed and not answered since. */
    boolean isDown() {
        return isDown;
    }

    /**
     * Takes units from a quota. Fails when Redis does not answer in time.
     *
     * @param atLeast the units needed now: fewer are not granted
     * @param atMost the units to take if there are as many
     */
    Uni<Decision> take(String name, Quota quota, long atLeast, long atMost) {
        return run(name, quota, atLeast, atMost)
                // Of one key only: the others' quotas are not touched.
                .onFailure(failure -> RedisProblem.of(failure) == RedisProblem.WRONG_TYPE)
                .recoverWithUni(() -> delete(prefix + name).chain(() -> run(name, quota, atLeast, atMost)))
                .onFailure()
                .invoke(this::down);
    }

    private Uni<Response> delete(String key) {
        return redis.execute("DEL", key).ifNoItem().after(TIMEOUT).fail();
    }

    private Uni<Decision> run(String name, Quota quota, long atLeast, long atMost) {
        return redis.execute(
                        "EVAL",
                        SCRIPT,
                        "1",
                        prefix + name,
                        Integer.toString(quota.unitsPerSecond()),
                        Long.toString(atLeast),
                        Long.toString(atMost))
                .ifNoItem()
                .after(TIMEOUT)
                .fail()
                .onItem()
                .transform(RedisQuotas::decision);
    }

    private static Decision decision(Response reply) {
        return new Decision(
                reply.get(0).toLong(), 0, reply.get(1).toLong(), reply.get(2).toLong());
    }

    private void down(Throwable failure) {
        synchronized (this) {
            if (isDown) {
                return;
            }
            isDown = true;
        }
        LOG.warnf(
                "Redis does not keep the quotas: each process limits calls by itself (%s)",
                Causes.root(failure).getMessage());
        probe();
    }

    private void probe() {
        Uni.createFrom()
                .voidItem()
                .onItem()
                .delayIt()
                .by(PROBE_EVERY)
                .chain(() -> run(PROBE, new Quota(1), 1, 1))
                .subscribe()
                .with(answered -> up(), failure -> probe());
    }

    private void up() {
        isDown = false;
        LOG.info("Redis keeps the quotas again: all processes limit calls together.");
    }
}
