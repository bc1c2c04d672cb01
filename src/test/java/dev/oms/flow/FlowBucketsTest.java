package dev.oms.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.WithoutConsumer;
import dev.oms.flow.FlowBuckets.Bucket;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Counts of several processes, added up in Redis. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class FlowBucketsTest {
    // A bucket of 2020, to which no running process adds.
    private static final long AT = FlowBuckets.startOf(Instant.parse("2020-01-01T12:00:03Z"));

    @Inject
    FlowBuckets buckets;

    @Inject
    RedisDataSource redis;

    @Test
    void addUp() {
        long[] latencies = Bucket.empty(AT).latencies();
        latencies[3] = 2;
        redis.key().del("oms:flow:" + AT, "oms:flow:" + (AT - 5));

        buckets.add(List.of(
                new Bucket(AT, 3, 2, latencies),
                new Bucket(AT - 5, 1, 0, Bucket.empty(0).latencies())));
        buckets.add(List.of(new Bucket(AT, 4, 2, latencies)));

        List<Bucket> read = buckets.read(AT);
        assertThat(read).hasSize(FlowBuckets.COUNT);
        assertThat(read).extracting(Bucket::start).isSorted().endsWith(AT - 5, AT);
        assertThat(read.getLast().placed()).isEqualTo(7);
        assertThat(read.getLast().settled()).isEqualTo(4);
        assertThat(read.getLast().latencies()[3]).isEqualTo(4);
        assertThat(read.get(read.size() - 2).placed()).isEqualTo(1);
        assertThat(read.getFirst().isEmpty()).isTrue();
        assertThat(redis.key().ttl("oms:flow:" + AT)).isBetween(1L, 1_200L);
    }

    @Test
    void areCompleteOneSecondAfterTheirEnd() {
        assertThat(FlowBuckets.lastComplete(Instant.ofEpochSecond(AT + 5))).isEqualTo(AT - 5);
        assertThat(FlowBuckets.lastComplete(Instant.ofEpochSecond(AT + 6))).isEqualTo(AT);
        assertThat(FlowBuckets.lastComplete(Instant.ofEpochSecond(AT + 10))).isEqualTo(AT);
    }
}
