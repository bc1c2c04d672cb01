package dev.oms.access;

import dev.oms.access.Quota.Decision;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.vertx.mutiny.redis.client.Response;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * One caller's quota in this process. What all processes grant it together is kept in Redis, by Redis's clock; to ask
 * Redis less often than once a call, a process takes what it is likely to need within a few hundredths of a second in
 * advance. While Redis is down, the process grants the whole quota by itself.
 */
final class SharedQuota {
    private static final Logger LOG = Logger.getLogger(SharedQuota.class);

    /** As {@link Quota#take}. The number is kept as text, because Lua would write it with an exponent. */
    private static final String SCRIPT = """
            local rate, min, max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
            local time = redis.call('TIME')
            local now = time[1] * 1000000 + time[2]
            local ahead = math.max(tonumber(redis.call('GET', KEYS[1]) or '0') - now, 0)
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

    /** The part of a second's units that is taken in advance. */
    private static final int ADVANCE = 20;

    /** A call waits no longer than this for Redis. */
    private static final Duration REDIS_TIMEOUT = Duration.ofMillis(250);

    /** How long Redis is left alone when it has failed. */
    private static final long ALONE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String name;
    private final Quota quota;
    private final ReactiveRedisDataSource redis;
    private final String key;

    /** Units that Redis has granted and no call has used yet. 0 while {@link #last} is null. */
    private long inHand;

    private Decision last;
    private long lastNanos;
    private long refusedUnits;
    private CompletableFuture<Void> asking;

    /** The theoretical arrival time in this process, while it decides alone. */
    private long arrivalMicros;

    private long aloneUntilNanos = System.nanoTime();

    SharedQuota(String name, Quota quota, ReactiveRedisDataSource redis, String key) {
        this.name = name;
        this.quota = quota;
        this.redis = redis;
        this.key = key;
    }

    Quota quota() {
        return quota;
    }

    /** Takes units, at most as many as the quota has in a second. */
    synchronized CompletionStage<Decision> take(long units) {
        long now = System.nanoTime();
        long missing = units - inHand;
        if (missing <= 0) {
            inHand -= units;
            return CompletableFuture.completedStage(
                    new Decision(units, 0, last.remaining() + inHand, last.waitMicros()));
        }
        if (last != null && last.granted() == 0 && missing >= refusedUnits) {
            // Refused before. Asking again before that time would only keep Redis busy.
            long leftMicros = last.waitMicros() - TimeUnit.NANOSECONDS.toMicros(now - lastNanos);
            if (leftMicros > 0) {
                return CompletableFuture.completedStage(new Decision(0, 0, last.remaining(), leftMicros));
            }
        }
        if (aloneUntilNanos - now > 0) {
            Decision alone = quota.take(units, units, arrivalMicros, TimeUnit.NANOSECONDS.toMicros(now));
            arrivalMicros = alone.arrivalMicros();
            return CompletableFuture.completedStage(alone);
        }
        // Done already, if Redis could not even be asked.
        if (asking == null || asking.isDone()) {
            asking = ask(missing);
        }
        return asking.thenCompose(answered -> take(units));
    }

    private CompletableFuture<Void> ask(long units) {
        long advance = Math.max(units, quota.unitsPerSecond() / ADVANCE);
        return redis.execute(
                        "EVAL",
                        SCRIPT,
                        "1",
                        key,
                        Integer.toString(quota.unitsPerSecond()),
                        Long.toString(units),
                        Long.toString(advance))
                .ifNoItem()
                .after(REDIS_TIMEOUT)
                .fail()
                .onItemOrFailure()
                .<Void>transform((reply, failure) -> {
                    answered(units, reply, failure);
                    return null;
                })
                .subscribeAsCompletionStage();
    }

    private synchronized void answered(long units, Response reply, Throwable failure) {
        refusedUnits = units;
        asking = null;
        lastNanos = System.nanoTime();
        if (failure == null) {
            last = new Decision(
                    reply.get(0).toLong(),
                    0,
                    reply.get(1).toLong(),
                    reply.get(2).toLong());
            inHand += last.granted();
        } else {
            LOG.debugf("Redis does not keep the quota of %s: %s", name, failure.getMessage());
            last = null;
            inHand = 0;
            aloneUntilNanos = lastNanos + ALONE_NANOS;
        }
    }
}
