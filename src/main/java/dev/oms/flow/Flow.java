package dev.oms.flow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.flow.FlowBuckets.Bucket;
import dev.oms.flow.Vitals.FromPostgres;
import dev.oms.flow.Vitals.FromRedis;
import dev.oms.flow.Vitals.Signs;
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
 * How orders flow at a moment, as it goes over the wire: written once, however many read it. Only the buckets differ,
 * between those who have seen different ones.
 */
final class Flow {
    private static final int RATE_BUCKETS = 10 / FlowBuckets.SECONDS;
    private static final int LATENCY_BUCKETS = 60 / FlowBuckets.SECONDS;

    private final Signs signs;
    private final ObjectMapper json;
    private final Map<Long, String> events = new ConcurrentHashMap<>();

    Flow(Signs signs, ObjectMapper json) {
        this.signs = signs;
        this.json = json;
    }

    /** Pairs of a bucket's begin and its count. */
    @RegisterForReflection
    record Counts(List<long[]> placed, List<long[]> settled) {
        static Counts of(List<Bucket> buckets) {
            return new Counts(pairs(buckets, Bucket::placed), pairs(buckets, Bucket::settled));
        }

        static List<long[]> pairs(List<Bucket> buckets, ToLongFunction<Bucket> count) {
            return buckets.stream()
                    .map(bucket -> new long[] {bucket.at(), count.applyAsLong(bucket)})
                    .toList();
        }
    }

    /** What a listener is told first. */
    @RegisterForReflection
    record HistoryView(int bucketSeconds, List<long[]> placed, List<long[]> settled) {}

    /** What a listener is told every second. What is null is not known, or there is none. */
    @RegisterForReflection
    record FlowView(
            Instant at,
            boolean redis,
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

    /** When the last bucket begins that it knows, or that somebody has seen who knows no more. */
    long last(long seen) {
        return signs.redis() == null ? seen : signs.redis().history().getLast().at();
    }

    /** The history, as JSON; empty when it is not known. */
    String history() {
        Counts counts =
                Counts.of(signs.redis() == null ? List.of() : signs.redis().history());
        return write(new HistoryView(FlowBuckets.SECONDS, counts.placed(), counts.settled()));
    }

    /**
     * The state, as JSON.
     *
     * @param seen the begin of the last bucket that its reader has been told of
     */
    String state(long seen) {
        return events.computeIfAbsent(seen, last -> write(view(last)));
    }

    private FlowView view(long seen) {
        FromRedis redis = signs.redis();
        FromPostgres postgres = signs.postgres();
        return new FlowView(
                signs.at(),
                redis != null,
                postgres != null,
                ifKnown(redis, FromRedis::depth),
                ifKnown(redis, FromRedis::oldestAgeSeconds),
                ifKnown(redis, FromRedis::inFlight),
                ifKnown(postgres, FromPostgres::failed),
                ifKnown(postgres, FromPostgres::dead),
                ifKnown(postgres, FromPostgres::lowStock),
                ifKnown(redis, known -> perSecond(known.history(), Bucket::placed)),
                ifKnown(redis, known -> perSecond(known.history(), Bucket::settled)),
                ifKnown(
                        redis,
                        known -> Percentiles.of(lately(known.history(), LATENCY_BUCKETS).stream()
                                .reduce(Bucket.empty(0), Bucket::plus)
                                .latencies())),
                ifKnown(redis, FromRedis::workers),
                ifKnown(redis, FromRedis::lastReconciliation),
                ifKnown(
                        redis,
                        known -> Counts.of(known.history().stream()
                                .filter(bucket -> bucket.at() > seen)
                                .toList())));
    }

    private static <S, T> T ifKnown(S known, Function<S, T> part) {
        return known == null ? null : part.apply(known);
    }

    private static List<Bucket> lately(List<Bucket> history, int buckets) {
        return history.subList(history.size() - buckets, history.size());
    }

    private static double perSecond(List<Bucket> history, ToLongFunction<Bucket> count) {
        return lately(history, RATE_BUCKETS).stream().mapToLong(count).sum()
                / (double) (RATE_BUCKETS * FlowBuckets.SECONDS);
    }

    private String write(Object view) {
        try {
            return json.writeValueAsString(view);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("What was made here cannot be written", e);
        }
    }
}
