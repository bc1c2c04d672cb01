package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.LogLines;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.Streams;
import dev.oms.WithoutConsumer;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A Redis that has reached its {@code maxmemory} refuses to store anything, but it still gives out what it has. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
@Timeout(120)
class FullRedisTest {
    @Inject
    TestWorker worker;

    @Inject
    SettleStock settleStock;

    @Inject
    RedisDataSource redis;

    private final Ledger ledger = OmsServers.ledger();

    @BeforeEach
    void setUp() {
        settleStock.settle(ledger.texts("select id from orders where due is not null").stream()
                .map(Long::valueOf)
                .toList());
        redis.flushall();
    }

    @AfterEach
    void makeRoom() {
        redis.execute("CONFIG", "SET", "maxmemory", "0");
        ledger.assertConsistent();
    }

    /** Without the group: Redis was full before the first worker started. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void isDrained(boolean hasGroup) {
        long user = Shop.user();
        String name = Shop.uniqueName();
        Shop.item(name, 100, 0);
        if (hasGroup) {
            redis.execute("XGROUP", "CREATE", Streams.JOBS, InventoryJobQueue.GROUP, "0", "MKSTREAM");
        }
        for (int i = 0; i < 10; i++) {
            Shop.order(user, Map.of(name, 1));
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> length() == 10);
        redis.execute("CONFIG", "SET", "maxmemory", "1");
        long last = Shop.order(user, Map.of(name, 1));

        try (LogLines log = new LogLines(InventoryJobConsumer.class.getName());
                var _ = worker.start("a")) {
            await().atMost(Duration.ofSeconds(30)).until(() -> length() == 0);
            assertThat(ledger.count("orders where status = 'Confirmed' and user_id = " + user))
                    .isEqualTo(10);
            await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
                assertThat(log.lines())
                        .anyMatch(line ->
                                line.startsWith("WARN This worker is not ready: Redis refuses its heartbeat (OOM"))
                        .noneMatch(line -> line.contains("cannot be read or settled"));
                assertThat(log.lines().stream()
                                .anyMatch(line -> line.startsWith(
                                        "WARN The workers' group cannot be created: Redis is full (OOM")))
                        .isEqualTo(!hasGroup);
            });

            redis.execute("CONFIG", "SET", "maxmemory", "0");

            assertThat(Shop.settled(last)).isEqualTo("Confirmed");
        }
    }

    private long length() {
        return redis.execute("XLEN", Streams.JOBS).toLong();
    }
}
