package dev.oms.access;

import dev.oms.access.Quota.Decision;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * One caller's quota in this process. All processes together grant what is in Redis ({@link RedisQuotas}). A process
 * takes the units of the next few hundredths of a second in advance, so that it asks Redis less often than once a call.
 * While Redis is down, each process grants the whole quota.
 */
final class SharedQuota {
    /** The part of a second's units that is taken in advance. */
    private static final int ADVANCE = 20;

    private final String name;
    private final Quota quota;
    private final RedisQuotas redis;
    private final String policy;

    /** Units that Redis has granted and no call has used yet. 0 while {@link #last} is null. */
    private long inHand;

    private Decision last;
    private long lastNanos;
    private long refusedUnits;
    private CompletableFuture<Void> asking;

    /** The theoretical arrival time in this process, while Redis is down. Now, because nanoTime may be negative. */
    private long arrivalMicros = TimeUnit.NANOSECONDS.toMicros(System.nanoTime());

    SharedQuota(String name, Quota quota, RedisQuotas redis) {
        this.name = name;
        this.quota = quota;
        this.redis = redis;
        this.policy = "\"default\";q=" + quota.unitsPerSecond() + ";w=1";
    }

    Quota quota() {
        return quota;
    }

    /** The value of the header {@code RateLimit-Policy}. */
    String policy() {
        return policy;
    }

    /** Takes units, at most as many as the quota has in a second. */
    synchronized CompletionStage<Decision> take(long units) {
        long now = System.nanoTime();
        long missing = units - inHand;
        if (missing <= 0) {
            inHand -= units;
            return CompletableFuture.completedStage(
                    new Decision(units, 0, remaining(now), Math.max(waitMicros(now), 0)));
        }
        if (last != null && last.granted() == 0 && missing >= refusedUnits) {
            // Refused before. Asking again before that time would only keep Redis busy.
            long leftMicros = waitMicros(now);
            if (leftMicros > 0) {
                return CompletableFuture.completedStage(new Decision(0, 0, remaining(now), leftMicros));
            }
        }
        if (redis.isDown()) {
            Decision alone = quota.take(units, units, arrivalMicros, TimeUnit.NANOSECONDS.toMicros(now));
            arrivalMicros = alone.arrivalMicros();
            return CompletableFuture.completedStage(alone);
        }
        // Done already if Redis could not even be asked.
        if (asking == null || asking.isDone()) {
            asking = ask(missing);
        }
        return asking.thenCompose(answered -> take(units));
    }

    /** What Redis said were left, what is in hand, and what has come since. */
    private long remaining(long now) {
        long sinceMicros = Math.min(sinceMicros(now), TimeUnit.SECONDS.toMicros(1));
        long come = sinceMicros * quota.unitsPerSecond() / TimeUnit.SECONDS.toMicros(1);
        return Math.min(last.remaining() + inHand + come, quota.unitsPerSecond());
    }

    private long waitMicros(long now) {
        return last.waitMicros() - sinceMicros(now);
    }

    private long sinceMicros(long now) {
        return TimeUnit.NANOSECONDS.toMicros(now - lastNanos);
    }

    private CompletableFuture<Void> ask(long units) {
        long advance = Math.max(units, quota.unitsPerSecond() / ADVANCE);
        return redis.take(name, quota, units, advance)
                .onItemOrFailure()
                .<Void>transform((decision, failure) -> {
                    answered(units, decision);
                    return null;
                })
                .subscribeAsCompletionStage();
    }

    /** @param decision null if Redis has failed */
    private synchronized void answered(long units, Decision decision) {
        refusedUnits = units;
        asking = null;
        lastNanos = System.nanoTime();
        last = decision;
        inHand = decision == null ? 0 : inHand + decision.granted();
    }
}
