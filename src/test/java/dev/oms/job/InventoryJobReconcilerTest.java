package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.LogLines;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.Streams;
import dev.oms.WithoutConsumer;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the reconciler sends again when clocks, entries or rows are not as they should be. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
@Timeout(60)
class InventoryJobReconcilerTest {
    private static final Duration GRACE = Duration.ofSeconds(10);

    @Inject
    InventoryJobQueue queue;

    @Inject
    SettleStock settleStock;

    @Inject
    FailedJobs failedJobs;

    @Inject
    RetryJob retryJob;

    @Inject
    Workers workers;

    @Inject
    AgroalDataSource dataSource;

    @Inject
    JobConfig config;

    @Inject
    RedisDataSource redis;

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;

    @BeforeEach
    void setUp() {
        settleAll();
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
        queue.createGroup();
    }

    /** After a fail-over, Redis's ids may stay in the future. */
    @Test
    void sendsEachLostJobOnceThoughTheWorkersClockIsBehindAndTheStreamAhead() {
        lostOrders(12, Duration.ofMinutes(5));
        addEntry(System.currentTimeMillis() + Duration.ofHours(1).toMillis() + "-0");

        int found = reconciler(4, Duration.ofMinutes(-1)).reconcile();

        assertThat(found).isEqualTo(12);
        assertThat(queue.depth()).isEqualTo(13);
        assertThat(reconciler(4, Duration.ofMinutes(-1)).reconcile()).isZero();
        assertThat(reconciler(4, Duration.ofMinutes(1)).reconcile()).isZero();
    }

    @Test
    void retriesAFailedJobThoughTheBacklogIsAnHourOld() {
        long order = lostOrders(1, Duration.ofMinutes(1));
        addEntry(System.currentTimeMillis() - Duration.ofHours(1).toMillis() + "-0");
        ledger.execute(
                "insert into failed_jobs values (%d, 3, 'no', now() - interval '1 second', null)".formatted(order));

        assertThat(reconciler(4, Duration.ZERO).reconcile()).isOne();
        assertThat(reconciler(4, Duration.ZERO).reconcile()).as("just sent").isZero();
    }

    @Test
    void findsLostJobsBehindAnEntryThatNobodyIsGiven() {
        lostOrders(3, Duration.ofHours(2));
        addEntry("1-1");

        assertThat(reconciler(4, Duration.ZERO).reconcile()).isEqualTo(3);
    }

    /** Redis then refuses every other entry. */
    @Test
    void createsTheStreamAnewWhenItsIdsAreExhausted() {
        lostOrders(3, Duration.ofHours(2));
        queue.createGroup();
        addEntry("18446744073709551615-18446744073709551615");

        assertThat(reconciler(4, Duration.ZERO).reconcile()).isEqualTo(3);

        assertThat(queue.depth()).isEqualTo(3);
    }

    /** PostgreSQL knows what is due: only that the job cannot be sent may keep an order waiting. */
    @ParameterizedTest
    @CsvSource({
        "-xinfo, the stream of jobs cannot be checked",
        "-xpending, the stream of jobs cannot be checked",
        "-set, the time of the last reconciliation cannot be stored in Redis",
        "-xgroup, workers that are gone stay listed"
    })
    void findsLostJobsWhateverElseRedisRefuses(String right, String told) {
        lostOrders(3, Duration.ofHours(2));
        queue.createGroup();
        redis.execute("XGROUP", "CREATECONSUMER", Streams.JOBS, InventoryJobQueue.GROUP, "gone");
        InventoryJobReconciler reconciler = reconciler(4, Duration.ZERO);

        redis.execute("ACL", "SETUSER", "default", right);
        try (LogLines log = new LogLines(InventoryJobReconciler.class.getName())) {
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                reconciler.run();
                return log.lines().stream().anyMatch(line -> line.contains(told));
            });

            assertThat(queue.depth()).isEqualTo(3);
            assertThat(log.lines())
                    .contains("INFO Sent 3 lost or failed jobs again")
                    .noneMatch(line -> line.contains("Jobs cannot be reconciled"))
                    .filteredOn(line -> line.contains(told))
                    .allMatch(line -> line.startsWith("WARN Housekeeping, which no order waits for: "))
                    .hasSize(1);
        } finally {
            redis.execute("ACL", "SETUSER", "default", "+@all");
        }
    }

    @Test
    void takesAJobThatIsRetriedByHandForJustSent() {
        long order = lostOrders(1, Duration.ofHours(2));
        ledger.execute("insert into failed_jobs values (%d, 25, 'no', null, now())".formatted(order));

        retryJob.retry(order);

        assertThat(ledger.count("orders where enqueued_at > now() - interval '1 minute' and id = " + order))
                .isOne();
        assertThat(reconciler(4, Duration.ZERO).reconcile()).isZero();
    }

    @Test
    void endsAPassAfterTwentyPages() {
        lostOrders(25, Duration.ofHours(2));

        assertThat(reconciler(1, Duration.ZERO).reconcile()).isEqualTo(20);
        assertThat(reconciler(1, Duration.ZERO).reconcile()).isEqualTo(5);
        assertThat(reconciler(1, Duration.ZERO).reconcile()).isZero();
    }

    /** Places orders whose jobs were sent a while ago and are lost, and returns the last. */
    private long lostOrders(int orders, Duration age) {
        long last = 0;
        for (int i = 0; i < orders; i++) {
            last = Shop.order(user, Map.of(name, 1));
        }
        await().atMost(Duration.ofSeconds(10)).until(() -> queue.depth() == orders);
        redis.flushall();
        ledger.execute("update orders set enqueued_at = now() - interval '%d seconds' where due is not null"
                .formatted(age.toSeconds()));
        return last;
    }

    private void addEntry(String id) {
        redis.execute("XADD", Streams.JOBS, id, "order_id", "1");
    }

    private InventoryJobReconciler reconciler(int pageSize, Duration clockOffset) {
        return new InventoryJobReconciler(
                queue,
                workers,
                failedJobs,
                dataSource,
                new AllSettings(new Consuming(), new Settings("off", GRACE, pageSize), config.gauges()),
                Clock.offset(Clock.systemUTC(), clockOffset),
                new SimpleMeterRegistry());
    }

    /** With workers that are dropped as soon as they are idle. */
    private record Consuming() implements JobConfig.Consumer {
        @Override
        public String every() {
            return "off";
        }

        @Override
        public int batchSize() {
            return 50;
        }

        @Override
        public Duration block() {
            return Duration.ofMillis(100);
        }

        @Override
        public Duration claimAfter() {
            return Duration.ofMillis(1);
        }
    }

    private record Settings(String every, Duration grace, int pageSize) implements JobConfig.Reconciler {}

    private record AllSettings(JobConfig.Consumer consumer, JobConfig.Reconciler reconciler, JobConfig.Gauges gauges)
            implements JobConfig {}
}
