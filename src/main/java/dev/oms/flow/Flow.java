package dev.oms.flow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.flow.FlowBuckets.Bucket;
import dev.oms.flow.HealthSnapshot.PostgresHealth;
import dev.oms.flow.HealthSnapshot.RedisHealth;
import dev.oms.http.RedisProblem;
import dev.oms.job.Workers.Reconciliation;
import dev.oms.job.Workers.Worker;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * The order flow at one moment, as JSON. It is serialized once for all listeners that have received the same buckets,
 * because only the buckets differ between listeners.
 */
final class Flow {
    private static final int RATE_BUCKETS = 10 / FlowBuckets.SECONDS;
    private static final int LATENCY_BUCKETS = 60 / FlowBuckets.SECONDS;

    private final HealthSnapshot snapshot;
    private final ObjectMapper json;
    private final Map<Long, String> states = new ConcurrentHashMap<>();

    Flow(HealthSnapshot snapshot, ObjectMapper json) {
        this.snapshot = snapshot;
        this.json = json;
    }

    /** Each pair is the start of a bucket, in seconds since 1970, and its count. */
    @RegisterForReflection
    record Counts(List<long[]> placed, List<long[]> settled) {
        static Counts of(List<Bucket> buckets) {
            return new Counts(pairs(buckets, Bucket::placed), pairs(buckets, Bucket::settled));
        }

        static List<long[]> pairs(List<Bucket> buckets, ToLongFunction<Bucket> count) {
            return buckets.stream()
                    .map(bucket -> new long[] {bucket.start(), count.applyAsLong(bucket)})
                    .toList();
        }
    }

    /** The first event that a listener receives. */
    @RegisterForReflection
    record HistoryView(int bucketSeconds, List<long[]> placed, List<long[]> settled) {}

    /** The event that a listener receives every second. A field is null if its value is unknown or there is none. */
    @RegisterForReflection
    record FlowView(
            Instant at,
            boolean redis,
            RedisProblem redisProblem,
            boolean postgresql,
            Long depth,
            Long oldestAgeSeconds,
            Long inFlight,
            Long failed,
            Long dead,
            Long lowStock,
            Double placedPerSecond,
            Double settledPerSecond,
            Percentiles latency,
            List<Worker> workers,
            Reconciliation lastReconciliation,
            Counts buckets) {}

    /** The start of this flow's last bucket, or {@code sentUpTo} if the buckets are unknown. */
    long lastBucket(long sentUpTo) {
        return snapshot.redis() == null
                ? sentUpTo
                : snapshot.redis().history().getLast().start();
    }

    /** The history as JSON, with empty lists if it is unknown. */
    String history() {
        Counts counts = Counts.of(
                snapshot.redis() == null ? List.of() : snapshot.redis().history());
        return write(new HistoryView(FlowBuckets.SECONDS, counts.placed(), counts.settled()));
    }

    /**
     * The state as JSON.
     *
     * @param sentUpTo the start of the last bucket that the listener has received
     */
    String state(long sentUpTo) {
        return states.computeIfAbsent(sentUpTo, start -> write(view(start)));
    }

    private FlowView view(long sentUpTo) {
        RedisHealth redis = snapshot.redis();
        PostgresHealth postgres = snapshot.postgres();
        return new FlowView(
                snapshot.at(),
                redis != null,
                snapshot.redisProblem(),
                postgres != null,
                ifKnown(redis, RedisHealth::depth),
                ifKnown(redis, RedisHealth::oldestAgeSeconds),
                ifKnown(redis, RedisHealth::inFlight),
                ifKnown(postgres, PostgresHealth::failed),
                ifKnown(postgres, PostgresHealth::dead),
                ifKnown(postgres, PostgresHealth::lowStock),
                ifKnown(redis, known -> perSecond(known.history(), Bucket::placed)),
                ifKnown(redis, known -> perSecond(known.history(), Bucket::settled)),
                ifKnown(
                        redis,
                        known -> Percentiles.of(lastBuckets(known.history(), LATENCY_BUCKETS).stream()
                                .reduce(Bucket.empty(0), Bucket::plus)
                                .latencies())),
                ifKnown(redis, RedisHealth::workers),
                ifKnown(redis, RedisHealth::lastReconciliation),
                ifKnown(
                        redis,
                        known -> Counts.of(known.history().stream()
                                .filter(bucket -> bucket.start() > sentUpTo)
                                .toList())));
    }

    private static <S, T> T ifKnown(S known, Function<S, T> part) {
        return known == null ? null : part.apply(known);
    }

    private static List<Bucket> lastBuckets(List<Bucket> history, int buckets) {
        return history.subList(history.size() - buckets, history.size());
    }

    private static double perSecond(List<Bucket> history, ToLongFunction<Bucket> count) {
        return lastBuckets(history, RATE_BUCKETS).stream().mapToLong(count).sum()
                / (double) (RATE_BUCKETS * FlowBuckets.SECONDS);
    }

    private String write(Object view) {
        try {
            return json.writeValueAsString(view);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("The flow cannot be serialized", e);
        }
    }
}
