package dev.oms.flow;

import dev.oms.http.RedisConfig;
import dev.oms.job.SettlementMetrics;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.redis.client.Command;
import io.vertx.mutiny.redis.client.Redis;
import io.vertx.mutiny.redis.client.Request;
import io.vertx.mutiny.redis.client.Response;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Counts the orders placed and settled by all processes together, in buckets of a few seconds. Each bucket is a Redis
 * hash to which every process adds its own counts. It feeds the console only: losing it costs no order.
 */
@ApplicationScoped
class FlowBuckets {
    /** The length of a bucket. */
    static final int SECONDS = 5;

    /** The number of buckets that are read: 15 minutes' worth. */
    static final int COUNT = 15 * 60 / SECONDS;

    /** A bucket is complete this long after its end: processes report once a second, so the last counts come late. */
    private static final int GRACE_SECONDS = 1;

    private static final String TTL_SECONDS = "1200";
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private static final String PLACED = "placed";
    private static final String SETTLED = "settled";
    private static final String LATENCY = "latency_";

    private final Redis redis;
    private final String keys;

    FlowBuckets(Redis redis, RedisConfig config) {
        this.redis = redis;
        this.keys = config.key("flow:");
    }

    /**
     * The counts of one bucket.
     *
     * @param start in seconds since 1970
     * @param latencies settled orders by how long they waited, one count for each interval of
     *     {@link SettlementMetrics#LATENCY_BOUNDS}
     */
    record Bucket(long start, long placed, long settled, long[] latencies) {
        static Bucket empty(long start) {
            return new Bucket(start, 0, 0, new long[SettlementMetrics.LATENCY_BOUNDS.size() + 1]);
        }

        Bucket plus(Bucket other) {
            long[] sums = latencies.clone();
            for (int i = 0; i < sums.length; i++) {
                sums[i] += other.latencies[i];
            }
            return new Bucket(start, placed + other.placed, settled + other.settled, sums);
        }

        Bucket minus(Bucket other) {
            long[] differences = latencies.clone();
            for (int i = 0; i < differences.length; i++) {
                differences[i] -= other.latencies[i];
            }
            return new Bucket(start, placed - other.placed, settled - other.settled, differences);
        }

        boolean isEmpty() {
            return placed == 0 && settled == 0;
        }
    }

    /** The start of the bucket that contains a time. */
    static long startOf(Instant time) {
        return time.getEpochSecond() / SECONDS * SECONDS;
    }

    /** The start of the last complete bucket. */
    static long lastComplete(Instant now) {
        return startOf(now.minusSeconds(GRACE_SECONDS)) - SECONDS;
    }

    /** Adds counts to the buckets in Redis, in one round trip. */
    void add(Collection<Bucket> buckets) {
        List<Request> requests = new ArrayList<>();
        for (Bucket bucket : buckets) {
            String key = keys + bucket.start();
            add(requests, key, PLACED, bucket.placed());
            add(requests, key, SETTLED, bucket.settled());
            for (int i = 0; i < bucket.latencies().length; i++) {
                add(requests, key, LATENCY + i, bucket.latencies()[i]);
            }
            requests.add(Request.cmd(Command.EXPIRE).arg(key).arg(TTL_SECONDS));
        }
        await(redis.batch(requests));
    }

    private static void add(List<Request> requests, String key, String field, long count) {
        if (count != 0) {
            requests.add(Request.cmd(Command.HINCRBY).arg(key).arg(field).arg(count));
        }
    }

    /**
     * Reads {@link #COUNT} buckets, oldest first.
     *
     * @param last the start of the last one
     */
    List<Bucket> read(long last) {
        List<Bucket> buckets = new ArrayList<>();
        List<Request> requests = new ArrayList<>();
        for (long start = last - (COUNT - 1) * SECONDS; start <= last; start += SECONDS) {
            buckets.add(Bucket.empty(start));
            requests.add(Request.cmd(Command.HGETALL).arg(keys + start));
        }
        List<Response> replies = await(redis.batch(requests));
        for (int i = 0; i < replies.size(); i++) {
            buckets.set(i, bucket(buckets.get(i).start(), replies.get(i)));
        }
        return buckets;
    }

    private static Bucket bucket(long start, Response hash) {
        Bucket bucket = Bucket.empty(start);
        return new Bucket(
                start,
                count(hash, PLACED),
                count(hash, SETTLED),
                IntStream.range(0, bucket.latencies().length)
                        .mapToLong(i -> count(hash, LATENCY + i))
                        .toArray());
    }

    private static long count(Response hash, String field) {
        Response count = hash.get(field);
        return count == null ? 0 : count.toLong();
    }

    private static <T> T await(Uni<T> answer) {
        return answer.ifNoItem().after(TIMEOUT).fail().await().indefinitely();
    }
}
