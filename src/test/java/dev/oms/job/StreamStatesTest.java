package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
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
import java.util.Arrays;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** PostgreSQL knows which orders are due: every one of them settles, whatever has happened to the stream. */
@Tag("full")
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
@Timeout(120)
class StreamStatesTest {
    private static final String LAST = "18446744073709551615-18446744073709551615";
    private static final String GROUP = InventoryJobQueue.GROUP;

    @Inject
    TestWorker worker;

    @Inject
    SettleStock settleStock;

    @Inject
    RedisDataSource redis;

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;

    /** What somebody does to a stream of three jobs, which a consumer that is no worker has read or not. */
    enum State {
        READ_BY_A_CONSUMER_THAT_IS_REMOVED(true, run("XGROUP", "DELCONSUMER", Streams.JOBS, GROUP, "ghost")),
        READ_BY_A_CONSUMER_THAT_IS_NO_WORKER(true, redis -> {}),
        A_CONSUMER_THAT_READS_NOTHING(false, run("XGROUP", "CREATECONSUMER", Streams.JOBS, GROUP, "lazy")),
        READ_AND_DELIVERED_AGAIN(true, run("XGROUP", "SETID", Streams.JOBS, GROUP, "0")),
        GROUP_AFTER_THE_JOBS(false, run("XGROUP", "SETID", Streams.JOBS, GROUP, "$")),
        GROUP_IN_THE_FUTURE(false, run("XGROUP", "SETID", Streams.JOBS, GROUP, "9000000000000-0")),
        GROUP_ABOVE_2_TO_THE_63(false, run("XGROUP", "SETID", Streams.JOBS, GROUP, "9223372036854775808-1")),
        GROUP_AT_THE_LAST_ID(false, run("XGROUP", "SETID", Streams.JOBS, GROUP, LAST)),
        READ_AND_GROUP_AT_THE_LAST_ID(true, run("XGROUP", "SETID", Streams.JOBS, GROUP, LAST)),
        NO_GROUP(false, run("XGROUP", "DESTROY", Streams.JOBS, GROUP)),
        READ_AND_NO_GROUP(true, run("XGROUP", "DESTROY", Streams.JOBS, GROUP)),
        A_GROUP_THAT_STARTS_AFTER_THE_JOBS(
                false,
                run("XGROUP", "DESTROY", Streams.JOBS, GROUP)
                        .andThen(run("XGROUP", "CREATE", Streams.JOBS, GROUP, "$"))),
        ANOTHER_GROUP(false, run("XGROUP", "CREATE", Streams.JOBS, "others", "0")),
        DELETED(false, redis -> ids(redis, id -> redis.execute("XDEL", Streams.JOBS, id))),
        READ_AND_DELETED(true, redis -> ids(redis, id -> redis.execute("XDEL", Streams.JOBS, id))),
        READ_AND_ACKNOWLEDGED(true, redis -> ids(redis, id -> redis.execute("XACK", Streams.JOBS, GROUP, id))),
        TRIMMED(false, run("XTRIM", Streams.JOBS, "MAXLEN", "0")),
        READ_AND_TRIMMED(true, run("XTRIM", Streams.JOBS, "MAXLEN", "1")),
        CLAIMED_BY_NOBODY(true, redis -> ids(redis, id -> claim(redis, "nobody", id, "JUSTID"))),
        CLAIMED_BY_AN_ODD_NAME(
                true, redis -> ids(redis, id -> claim(redis, "é 李 \u0000", id, "RETRYCOUNT", "999999999"))),
        CLAIMED_BEFORE_THEY_ARE_READ(false, redis -> ids(redis, id -> claim(redis, "nobody", id, "FORCE"))),
        CLAIMED_WITH_THE_LAST_ID(true, redis -> ids(redis, id -> claim(redis, "nobody", id, "LASTID", LAST))),
        CLAIMED_BY_A_WORKER_FROM_THE_FUTURE(
                true,
                run("HSET", "oms:workers", "nobody", "0 0 99999999999999")
                        .andThen(redis -> ids(redis, id -> claim(redis, "nobody", id)))),
        RENAMED(false, run("RENAME", Streams.JOBS, "oms:elsewhere")),
        READ_AND_RENAMED(true, run("RENAME", Streams.JOBS, "oms:elsewhere")),
        REPLACED_BY_ANOTHER_STREAM(
                true,
                run("XADD", "oms:other", "9000000000000-0", "a", "b")
                        .andThen(run("RENAME", "oms:other", Streams.JOBS))),
        A_STRING(false, run("SET", Streams.JOBS, "something")),
        A_HASH(true, run("DEL", Streams.JOBS).andThen(run("HSET", Streams.JOBS, "some", "thing"))),
        HEARTBEATS_ARE_A_STRING(true, run("SET", "oms:workers", "something")),
        AN_ENTRY_IN_THE_FUTURE(false, run("XADD", Streams.JOBS, "9000000000000-0", "order_id", "9223372036854775807")),
        AN_ENTRY_ABOVE_2_TO_THE_63(false, run("XADD", Streams.JOBS, "9223372036854775808-0", "no", "order")),
        THE_LAST_ENTRY(false, run("XADD", Streams.JOBS, LAST, "order_id", "9223372036854775807")),
        READ_AND_THE_LAST_ENTRY(true, run("XADD", Streams.JOBS, LAST, "order_id", "9223372036854775807")),
        THE_LAST_ID(true, run("XSETID", Streams.JOBS, LAST)),
        EXPIRED(true, run("PEXPIRE", Streams.JOBS, "1"));

        private final boolean read;
        private final Consumer<RedisDataSource> make;

        State(boolean read, Consumer<RedisDataSource> make) {
            this.read = read;
            this.make = make;
        }

        private static Consumer<RedisDataSource> run(String command, String... arguments) {
            return redis -> redis.execute(command, arguments);
        }

        private static void ids(RedisDataSource redis, Consumer<String> each) {
            redis.execute("XRANGE", Streams.JOBS, "-", "+")
                    .forEach(entry -> each.accept(entry.get(0).toString()));
        }

        private static void claim(RedisDataSource redis, String by, String id, String... options) {
            String[] arguments = {Streams.JOBS, GROUP, by, "0", id};
            redis.execute(
                    "XCLAIM",
                    Stream.of(arguments, options).flatMap(Arrays::stream).toArray(String[]::new));
        }
    }

    @BeforeEach
    void setUp() {
        settleAll();
        redis.execute("XGROUP", "CREATE", Streams.JOBS, GROUP, "0", "MKSTREAM");
        user = Shop.user();
        name = Shop.uniqueName();
        Shop.item(name, 1000, 0);
    }

    @AfterEach
    void audit() {
        settleAll();
        ledger.assertConsistent();
    }

    private void settleAll() {
        settleStock.settle(ledger.texts("select id from orders where due is not null").stream()
                .map(Long::valueOf)
                .toList());
        ledger.execute("truncate failed_jobs");
        redis.flushall();
    }

    @ParameterizedTest
    @EnumSource
    void everyOrderSettles(State state) {
        placeOrders(3);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> redis.execute("XLEN", Streams.JOBS).toLong() == 3);
        if (state.read) {
            redis.execute("XREADGROUP", "GROUP", GROUP, "ghost", "COUNT", "3", "STREAMS", Streams.JOBS, ">");
        }
        state.make.accept(redis);
        placeOrders(2);

        try (var _ = worker.start("a")) {
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(unsettled()).isZero());
            placeOrders(2);
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(unsettled()).isZero());
            // Nothing stays behind that would count as a job for ever.
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> redis.execute("XLEN", Streams.JOBS).toLong() == 0);
        }

        assertThat(ledger.count("orders where status = 'Confirmed' and user_id = " + user))
                .isEqualTo(7);
    }

    private long unsettled() {
        return ledger.count("orders where due is not null and user_id = " + user);
    }

    private void placeOrders(int orders) {
        for (int i = 0; i < orders; i++) {
            Shop.order(user, Map.of(name, 1));
        }
    }
}
