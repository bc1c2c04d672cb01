package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.LogLines;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.Streams;
import dev.oms.WithoutConsumer;
import dev.oms.concurrency.Concurrently;
import dev.oms.http.DatabaseFailure;
import dev.oms.job.FailedJob.FailedJobView;
import dev.oms.job.Workers.Worker;
import dev.oms.order.OrdersChanged;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.redis.datasource.stream.StreamRange;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.enterprise.event.Event;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGStatement;

/** How the consumer handles lost, duplicate, abandoned and unreadable jobs. Each test runs its own consumers. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class InventoryJobConsumerTest {
    @Inject
    InventoryJobQueue queue;

    @Inject
    SettleStock settleStock;

    @Inject
    FailedJobs failedJobs;

    @Inject
    Workers workers;

    @Inject
    JobTraces traces;

    @Inject
    InventoryJobReconciler reconciler;

    @Inject
    RedisDataSource redis;

    @Inject
    MeterRegistry meters;

    @Inject
    AgroalDataSource dataSource;

    @Inject
    Event<OrdersChanged> changed;

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;
    private long item;

    @BeforeEach
    void setUp() {
        redis.flushall();
        queue.createGroup();
        // Orders left by other tests must not interfere.
        settleStock.settle(ledger.texts("select id from orders where due is not null").stream()
                .map(Long::valueOf)
                .toList());
        ledger.execute("truncate failed_jobs");
        user = Shop.user();
        name = Shop.uniqueName();
        item = Shop.item(name, 1000, 0);
    }

    @AfterEach
    void audit() {
        ledger.execute("update orders set due = null where due = 'RESTORATION' and status = 'Pending'");
        ledger.assertConsistent();
    }

    @Test
    void settlesAnOrderAndEmptiesTheStream() {
        long order = Shop.order(user, Map.of(name, 1));

        consumeUntil("a", Duration.ofSeconds(30), () -> isSettled(order));

        assertThat(Shop.status(order)).isEqualTo("Confirmed");
        assertThat(length()).isZero();
    }

    @Test
    void settlesAnOrderOnceWhenItsJobIsDeliveredTenTimes() {
        List<Long> orders = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            orders.add(Shop.order(user, Map.of(name, 1)));
        }
        List<Long> deliveries = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            deliveries.addAll(orders);
        }
        Collections.shuffle(deliveries, new Random(42));
        queue.sendAndWait(deliveries);

        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);

        assertThat(Shop.quantity(item)).isEqualTo(900);
        assertThat(ledger.count("stock_movements where inventory_item_id = " + item))
                .isEqualTo(101);
    }

    @Test
    void sharesTheStreamWithAnotherConsumer() throws InterruptedException {
        ledger.execute("""
                with placed as (
                    insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
                    select %d, 'Pending', 'DEDUCTION', now(), now(), now() from generate_series(1, 2000) returning id)
                insert into order_lines select id, %d, 1 from placed""".formatted(user, item));
        List<Long> orders = ledger.texts("select id from orders where due is not null").stream()
                .map(Long::valueOf)
                .toList();
        InventoryJobConsumer first = consumer(config(Duration.ofSeconds(30)), "a");
        InventoryJobConsumer second = consumer(config(Duration.ofSeconds(30)), "b");

        Thread a = Thread.ofPlatform().start(first::run);
        Thread b = Thread.ofPlatform().start(second::run);
        queue.sendAndWait(orders);
        ledger.awaitSettled();
        await().atMost(Duration.ofSeconds(10)).until(() -> length() == 0);
        first.stop(null);
        second.stop(null);
        a.join();
        b.join();

        assertThat(orders).hasSize(2_000);
        assertThat(ledger.count("orders where status = 'Confirmed' and user_id = " + user))
                .isEqualTo(1_000);
        assertThat(ledger.count("orders where status = 'Rejected' and user_id = " + user))
                .isEqualTo(1_000);
        assertThat(Shop.quantity(item)).isZero();
    }

    @Test
    void claimsTheJobsOfADeadWorker() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        queue.read(
                "dead",
                reader -> assertThat(reader.readNew(10, Duration.ofSeconds(1)))
                        .extracting(Job::orderId)
                        .containsExactly(order));

        consumeUntil("heir", Duration.ofMillis(200), () -> isSettled(order));

        assertThat(length()).isZero();
        assertThat(Shop.quantity(item)).isEqualTo(999);
    }

    @Test
    void doesNotClaimTheJobsOfALiveWorker() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);

        queue.read("live", live -> {
            List<Job> held = live.readNew(10, Duration.ofSeconds(1));
            queue.read("other", other -> {
                assertThat(other.claimAbandoned(10, Duration.ofMinutes(1), Duration.ofMinutes(1)))
                        .isZero();
                assertThat(other.readPending("0", 10)).isEmpty();
                assertThat(other.readNew(10, Duration.ofMillis(50))).isEmpty();
            });
            assertThat(live.readPending("0", 10)).isEqualTo(held);
            settleStock.settle(List.of(order));
            live.acknowledge(held);
            assertThat(live.readPending("0", 10)).isEmpty();
        });

        assertThat(length()).isZero();
    }

    @Test
    void readsItsPendingJobsAfterARestart() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        queue.read("same", reader -> reader.readNew(10, Duration.ofSeconds(1)));

        consumeUntil("same", Duration.ofSeconds(30), () -> isSettled(order));

        assertThat(length()).isZero();
    }

    @Test
    void replaysJobsThatWereCommittedButNotAcknowledged() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        queue.read("same", reader -> reader.readNew(10, Duration.ofSeconds(1)));
        settleStock.settle(List.of(order));

        consumeUntil("same", Duration.ofSeconds(30), () -> length() == 0);

        assertThat(Shop.quantity(item)).isEqualTo(999);
    }

    @Test
    void acknowledgesEntriesThatWereDeletedButNotAcknowledged() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        queue.read("same", reader -> {
            Job job = reader.readNew(10, Duration.ofSeconds(1)).getFirst();
            settleStock.settle(List.of(order));
            redis.stream(String.class).xdel(Streams.JOBS, job.entryId());
        });

        consumeUntil("same", Duration.ofSeconds(30), () -> pending() == 0);
    }

    @Test
    void clearsEntriesThatADeadWorkerDeletedButDidNotAcknowledge() {
        long order = Shop.order(user, Map.of(name, 1));
        long next = Shop.order(user, Map.of(name, 1));
        awaitLength(2);
        queue.read("dead", reader -> {
            Job job = reader.readNew(10, Duration.ofSeconds(1)).getFirst();
            settleStock.settle(List.of(order));
            redis.stream(String.class).xdel(Streams.JOBS, job.entryId());
        });

        consumeUntil("heir", Duration.ofMillis(200), () -> pending() == 0 && isSettled(next));

        assertThat(Shop.quantity(item)).isEqualTo(998);
    }

    @Test
    void recordsUnreadableJobsAsDeadWithTheirRawText() {
        redis.stream(String.class).xadd(Streams.JOBS, Map.of("order_id", "'; drop table orders"));
        redis.stream(String.class).xadd(Streams.JOBS, Map.of("nonsense", "7"));
        queue.sendAndWait(List.of(Long.MAX_VALUE));
        long order = Shop.order(user, Map.of(name, 1));

        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);

        assertThat(Shop.status(order)).isEqualTo("Confirmed");
        assertThat(failedJobs.list(true, null, 10))
                .extracting(job -> job.view().lastError())
                .containsExactlyInAnyOrder(
                        "The job names no order: {order_id='; drop table orders}",
                        "The job names no order: {nonsense=7}");
    }

    @Test
    void settlesTheRestOfABatchAndRetriesThePoisonOrderLater() {
        List<Long> orders = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            orders.add(Shop.order(user, Map.of(name, 1)));
        }
        long poison = orders.get(4);
        poison(poison);

        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);

        assertThat(Shop.quantity(item)).isEqualTo(991);
        assertThat(ledger.count("orders where due is not null and id = " + poison))
                .isOne();
        FailedJobView failed = failedJobs.list(false, null, 10).getFirst().view();
        assertThat(failed.orderId()).isEqualTo(poison);
        assertThat(failed.attempts()).isOne();
        assertThat(failed.lastError()).contains("no restoration can be due");
        assertThat(failed.nextAttemptAt())
                .isBetween(Instant.now().plusSeconds(10), Instant.now().plusSeconds(40));

        // The failed job does not count as lost, however old it is. It is sent again when its next attempt is due, and
        // succeeds once its cause is gone.
        ledger.execute("update orders set enqueued_at = now() - interval '1 hour' where due is not null");
        assertThat(reconciler.reconcile()).isZero();
        ledger.execute("update failed_jobs set next_attempt_at = now()");
        assertThat(reconciler.reconcile()).isOne();
        ledger.execute("update orders set due = 'DEDUCTION' where id = " + poison);
        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);
        assertThat(Shop.status(poison)).isEqualTo("Confirmed");
        reconciler.run();
        assertThat(failedJobs.count()).isZero();
    }

    /** The states of some outages, which a statement for one order may fail with, too. */
    @ParameterizedTest
    @ValueSource(strings = {"0A000", "25000", "55000"})
    void isNotStoppedByAnOrderThatFailsLikeAnOutage(String state) {
        long poison = Shop.order(user, Map.of(name, 1));
        long other = Shop.order(user, Map.of(name, 1));
        ledger.execute("""
                create or replace function fail_as_told() returns trigger language plpgsql as
                $$ begin raise exception 'not for this order' using errcode = '%s'; end $$;
                create trigger fail_as_told before update on orders
                for each row when (new.id = %d) execute function fail_as_told()""".formatted(state, poison));

        try {
            consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);
        } finally {
            ledger.execute("drop trigger fail_as_told on orders");
        }

        assertThat(Shop.status(other)).isEqualTo("Confirmed");
        assertThat(failedJobs.list(false, null, 10))
                .extracting(job -> job.view().orderId())
                .containsExactly(poison);
    }

    @Test
    void aPlanThatAMigrationHasMadeStaleIsAnOutage() throws SQLException {
        ledger.execute("create table migrated as select 1 id");
        try (Connection connection = ledger.connect();
                PreparedStatement select = connection.prepareStatement("select * from migrated")) {
            select.unwrap(PGStatement.class).setPrepareThreshold(1);
            select.executeQuery().close();
            ledger.execute("alter table migrated add column name text");
            connection.setAutoCommit(false);

            assertThatThrownBy(select::executeQuery)
                    .satisfies(e -> assertThat(DatabaseFailure.of(e)).isEqualTo(DatabaseFailure.OUTAGE));
            assertThatThrownBy(select::executeQuery)
                    .satisfies(e -> assertThat(DatabaseFailure.of(e)).isEqualTo(DatabaseFailure.OUTAGE));
            connection.rollback();
            select.executeQuery().close();
        } finally {
            ledger.execute("drop table migrated");
        }
    }

    @Test
    void stopsRetryingAfterTwentyFiveFailures() {
        long order = Shop.order(user, Map.of(name, 1));
        poison(order);
        awaitLength(1);
        queue.read("a", reader -> {
            reader.acknowledge(reader.readNew(1, Duration.ofSeconds(1)));
        });

        for (int attempt = 1; attempt <= 25; attempt++) {
            assertThat(failedJobs.list(true, null, 10)).isEmpty();
            queue.sendAndWait(List.of(order));
            consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);
        }

        assertThat(failedJobs.list(true, null, 10))
                .extracting(job -> job.view().attempts())
                .containsExactly(25);
        ledger.execute("update orders set enqueued_at = now() - interval '1 hour' where due is not null");
        assertThat(reconciler.reconcile()).as("dead jobs are not sent again").isZero();
    }

    @Test
    void doesNotCountASerializationFailureAsAnAttempt() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        // To the consumer, the victim of a deadlock looks the same.
        ledger.execute("""
                create or replace function fail_to_serialize() returns trigger language plpgsql as
                $$ begin raise exception 'could not serialize access' using errcode = '40001'; end $$;
                create trigger fail_to_serialize before update on orders
                for each row execute function fail_to_serialize()""");

        try {
            consumeUntil("a", Duration.ofSeconds(30), () -> pending() == 1);
            assertThat(failedJobs.count()).isZero();
            assertThat(Shop.status(order)).isEqualTo("Pending");
        } finally {
            ledger.execute("drop trigger fail_to_serialize on orders");
        }

        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);
        assertThat(Shop.status(order)).isEqualTo("Confirmed");
    }

    @Test
    void settlesTheOthersWhileAnOrderIsHeld() throws SQLException {
        long held = Shop.order(user, Map.of(name, 1));
        List<Long> others = List.of(Shop.order(user, Map.of(name, 1)), Shop.order(user, Map.of(name, 1)));

        try (Held _ = new Held("orders", held)) {
            consumeUntil("a", Duration.ofSeconds(30), () -> length() == 1);

            assertThat(others)
                    .allSatisfy(other -> assertThat(Shop.status(other)).isEqualTo("Confirmed"));
            assertThat(Shop.status(held)).isEqualTo("Pending");
        }
        consumeUntil("a", Duration.ofSeconds(30), () -> isSettled(held));
        assertThat(failedJobs.count()).isZero();
    }

    @Test
    void settlesAHeldOrderSoonAfterItsRelease() throws Exception {
        long order = Shop.order(user, Map.of(name, 1));
        Held held = new Held("orders", order);

        Thread release = Thread.ofVirtual().start(() -> {
            awaitPending(1);
            held.close();
        });
        consumeUntil("a", Duration.ofMinutes(10), () -> isSettled(order));

        release.join();
        assertThat(Shop.status(order)).isEqualTo("Confirmed");
    }

    @Test
    void settlesTheOrdersOfOtherItemsWhileAnItemIsHeld() throws SQLException {
        String otherName = Shop.uniqueName();
        long otherItem = Shop.item(otherName, 100, 0);
        // Connections from before the first migration know no lock_timeout.
        dataSource.flush(FlushMode.GRACEFUL);
        List<Long> blocked = List.of(
                Shop.order(user, Map.of(name, 1)),
                Shop.order(user, Map.of(name, 1, otherName, 1)),
                Shop.order(user, Map.of(name, 1)));
        Shop.order(user, Map.of(otherName, 1));

        try (Held _ = new Held("inventory_items", item)) {
            consumeUntil("a", Duration.ofSeconds(30), () -> length() == 3);
            // From now on, nobody waits for the item: ten times 5 s, otherwise.
            long started = System.nanoTime();
            for (int i = 0; i < 10; i++) {
                Shop.order(user, Map.of(otherName, 1));
                consumeUntil("a", Duration.ofSeconds(30), () -> length() == 3);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(45));

            assertThat(Shop.quantity(otherItem)).isEqualTo(89);
            assertThat(blocked)
                    .allSatisfy(order -> assertThat(Shop.status(order)).isEqualTo("Pending"));
        }
        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);
        assertThat(blocked).allSatisfy(order -> assertThat(Shop.status(order)).isEqualTo("Confirmed"));
        assertThat(failedJobs.count()).isZero();
    }

    @Test
    void findsAPoisonOrderByBisection() {
        List<Long> orders = new ArrayList<>();
        for (int i = 0; i < 48; i++) {
            orders.add(Shop.order(user, Map.of(name, 1)));
        }
        poison(orders.get(17));
        awaitLength(48);
        long batches = meters.get("oms.batch").timer().count();

        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);

        assertThat(Shop.quantity(item)).isEqualTo(953);
        assertThat(meters.get("oms.batch").timer().count() - batches).isLessThanOrEqualTo(6);
        assertThat(failedJobs.list(false, null, 10))
                .extracting(job -> job.view().orderId())
                .containsExactly(orders.get(17));
    }

    @Test
    void countsTheFailuresOfTwoWorkersOnOneOrder() throws Exception {
        long order = Shop.order(user, Map.of(name, 1));

        Callable<Integer> fail = () -> failedJobs.record(order, new IllegalStateException("no"));
        List<Integer> attempts = Concurrently.run(8, Collections.nCopies(8, fail));

        assertThat(attempts).containsExactlyInAnyOrder(1, 2, 3, 4, 5, 6, 7, 8);
        assertThat(failedJobs.findById(order).view().attempts()).isEqualTo(8);
    }

    @Test
    void claimsTheJobsOfAWorkerWithoutHeartbeatsAfterFiveSeconds() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        workers.heartbeat("dead", Instant.now(), 0);
        queue.read("dead", reader -> reader.readNew(10, Duration.ofSeconds(1)));

        consumeUntil("heir", Duration.ofMinutes(10), () -> isSettled(order));

        assertThat(length()).isZero();
    }

    /** So a worker in the middle of a long batch is not taken for dead. */
    @Test
    void sendsHeartbeatsDuringABatch() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        ledger.execute("""
                create or replace function wait_for_the_test() returns trigger language plpgsql as $$ begin
                    while exists (select from long_batch) loop perform pg_sleep(0.01); end loop;
                    return new;
                end $$;
                create or replace trigger wait_for_the_test before update on orders
                for each row when (old.due is not null) execute function wait_for_the_test();
                create table long_batch as select 1""");
        String batch = "pg_stat_activity where state = 'active' and query like 'with settled as%'";
        InventoryJobConsumer busy = consumer(config(Duration.ofMinutes(10)), "busy");
        Thread thread = Thread.ofVirtual().start(busy::run);
        try {
            await().atMost(Duration.ofSeconds(30)).until(() -> ledger.count(batch) == 1);

            for (int i = 0; i < 2; i++) {
                String last = heartbeat("busy");
                await().atMost(Duration.ofSeconds(10)).until(() -> !last.equals(heartbeat("busy")));
            }

            assertThat(ledger.count(batch)).as("the batch goes on").isOne();
        } finally {
            ledger.execute("delete from long_batch");
            busy.stop(null);
            assertThat(joins(thread)).isTrue();
            ledger.execute("drop function wait_for_the_test cascade");
            ledger.execute("drop table long_batch");
        }
        assertThat(Shop.status(order)).isEqualTo("Confirmed");
    }

    @Test
    void claimsOldJobsOfAWorkerOnlyWithoutHeartbeats() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        workers.heartbeat("slow", Instant.now(), 0);
        queue.read("slow", reader -> {
            String entry = reader.readNew(1, Duration.ofSeconds(1)).getFirst().entryId();
            redis.execute(
                    "XCLAIM", Streams.JOBS, InventoryJobQueue.GROUP, "slow", "0", entry, "IDLE", "300000", "JUSTID");
        });

        queue.read("other", other -> {
            assertThat(other.claimAbandoned(10, Duration.ofMinutes(2), Duration.ofMinutes(10)))
                    .isZero();
            redis.hash(String.class).hset("oms:workers", "slow", "0 0 " + (System.currentTimeMillis() - 150_000));
            assertThat(other.claimAbandoned(10, Duration.ofMinutes(2), Duration.ofMinutes(10)))
                    .isOne();
            assertThat(other.readPending("0", 10)).extracting(Job::orderId).containsExactly(order);
        });
    }

    /** When a command times out, Redis may still execute it, and assign entries that the consumer never sees. */
    @Test
    void readsEntriesThatWereAssignedToItUnseen() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        queue.read("lost", reader -> reader.readNew(10, Duration.ofSeconds(1)));
        String entry = redis.stream(String.class)
                .xrange(Streams.JOBS, StreamRange.of("-", "+"))
                .getFirst()
                .id();

        consumeUntil("a", Duration.ofMinutes(10), () -> {
            redis.execute("XCLAIM", Streams.JOBS, InventoryJobQueue.GROUP, "a", "0", entry, "JUSTID");
            return isSettled(order);
        });
    }

    @Test
    void recordsUnreadableJobsWithTheHighestPossibleIds() {
        redis.execute("XADD", Streams.JOBS, "18446744073709551615-18446744073709551614", "nonsense", "7");

        assertThat(queue.oldestAge()).isZero();
        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);

        assertThat(failedJobs.list(true, null, 10))
                .extracting(job -> job.view().orderId())
                .allSatisfy(number -> assertThat(number).isNegative())
                .hasSize(1);
    }

    @Test
    void listsNoWorkersWithoutAGroup() {
        redis.flushall();

        assertThat(workers.list()).isEmpty();
        assertThat(workers.dropIdle(Duration.ZERO)).isZero();
    }

    @Test
    void listsAWorkerThatHasNeverHadAJob() {
        consumeUntil(
                "idle",
                Duration.ofSeconds(30),
                () -> workers.list().stream().anyMatch(worker -> worker.name().equals("idle")));
    }

    @Test
    void dropsIdleWorkersThatHoldNoJobs() {
        Shop.order(user, Map.of(name, 1));
        Shop.order(user, Map.of(name, 1));
        awaitLength(2);
        queue.read("holds", reader -> reader.readNew(1, Duration.ofSeconds(1)));
        queue.read("gone", reader -> reader.acknowledge(reader.readNew(1, Duration.ofSeconds(1))));

        assertThat(workers.dropIdle(Duration.ofMinutes(1))).isZero();
        await().until(() -> workers.list().stream().noneMatch(worker -> worker.idleSeconds() < 1));
        assertThat(workers.dropIdle(Duration.ofMillis(500))).isOne();

        assertThat(workers.list()).extracting(Worker::name).containsExactly("holds");
    }

    @Test
    void dropsIdleWorkersWhateverTheirNamesAre() {
        Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);
        redis.execute(
                "EVAL",
                "return redis.call('XGROUP', 'CREATECONSUMER', KEYS[1], 'workers', 'caf\\233')",
                "1",
                Streams.JOBS);
        assertThat(workers.list()).hasSize(2);

        await().until(() -> workers.list().stream().allMatch(worker -> worker.idleSeconds() >= 1));
        assertThat(workers.dropIdle(Duration.ofMillis(500))).isEqualTo(2);

        assertThat(workers.list()).isEmpty();
    }

    /** Two installations on one Redis: both number their orders from 1. */
    @Test
    void tellsOfManyJobsThatAreNotItsOwn() {
        List<Long> settled = new ArrayList<>();
        List<Long> unknown = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
            settled.add(Shop.order(user, Map.of(name, 1)));
            unknown.add(Long.MAX_VALUE - i);
        }
        settleStock.settle(settled);
        awaitLength(15);
        queue.sendAndWait(unknown);
        double nothingDue = withoutEffect("nothing_due");
        double unknownOrder = withoutEffect("unknown_order");

        try (LogLines log = new LogLines(JobsWithoutEffect.class.getName())) {
            JobsWithoutEffect counted = new JobsWithoutEffect(meters);
            SettleStock other =
                    new SettleStock(dataSource, new SettlementMetrics(meters), counted, changed, Clock.systemUTC());
            consumeUntil(consumer(config(Duration.ofSeconds(30)), "a", other), () -> length() == 0);
            queue.sendAndWait(unknown);
            consumeUntil(consumer(config(Duration.ofSeconds(30)), "a", other), () -> length() == 0);

            assertThat(log.lines())
                    .hasSize(1)
                    .allMatch(line -> line.startsWith("WARN Of ") && line.contains("OMS_REDIS_PREFIX"));
        }
        assertThat(withoutEffect("nothing_due") - nothingDue).isEqualTo(15);
        assertThat(withoutEffect("unknown_order") - unknownOrder).isEqualTo(30);
    }

    private double withoutEffect(String reason) {
        return meters.get("oms.jobs.without.effect")
                .tag("reason", reason)
                .counter()
                .count();
    }

    /** Makes an order impossible to settle: a restoration without a deduction, which no caller can cause. */
    private void poison(long order) {
        ledger.execute("update orders set due = 'RESTORATION' where id = " + order);
    }

    @Test
    void reconcilesJobsThatTheStreamHasLost() {
        List<Long> orders = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            orders.add(Shop.order(user, Map.of(name, 1)));
        }
        awaitLength(5);
        redis.flushall();

        assertThat(reconciler.reconcile()).as("within the grace period").isZero();
        ledger.execute("update orders set enqueued_at = now() - interval '1 hour' where due is not null");
        assertThat(reconciler.reconcile()).isEqualTo(5);
        assertThat(reconciler.reconcile()).as("just sent").isZero();
        queue.createGroup();
        consumeUntil("a", Duration.ofSeconds(30), () -> length() == 0);

        assertThat(orders).allSatisfy(order -> assertThat(Shop.status(order)).isEqualTo("Confirmed"));
    }

    @Test
    void doesNotSendABacklogAgain() {
        long order = Shop.order(user, Map.of(name, 1));
        awaitLength(1);
        redis.flushall();
        // A backlog of an hour: the entry is as old as the order.
        ledger.execute("update orders set enqueued_at = now() - interval '1 hour' where id = " + order);
        long anHourAgo = System.currentTimeMillis() - Duration.ofHours(1).toMillis();
        redis.execute("XADD", Streams.JOBS, anHourAgo + "-0", "order_id", Long.toString(order));

        assertThat(reconciler.reconcile()).isZero();
        assertThat(queue.oldestAge())
                .isBetween(Duration.ofHours(1), Duration.ofHours(1).plusMinutes(1));
    }

    private void consumeUntil(String name, Duration claimAfter, BooleanSupplier done) {
        consumeUntil(consumer(config(claimAfter), name), done);
    }

    private static void consumeUntil(InventoryJobConsumer consumer, BooleanSupplier done) {
        Thread thread = Thread.ofVirtual().start(consumer::run);
        try {
            await().atMost(Duration.ofSeconds(30)).until(done::getAsBoolean);
        } finally {
            consumer.stop(null);
        }
        assertThat(thread.isAlive() && !joins(thread)).isFalse();
    }

    /** A worker's heartbeat as Redis keeps it, with its time; empty before the first. */
    private String heartbeat(String worker) {
        return String.valueOf(redis.hash(String.class).hget("oms:workers", worker));
    }

    private void awaitPending(long jobs) {
        await().atMost(Duration.ofSeconds(30)).until(() -> pending() == jobs);
    }

    /** A row that another transaction locks until it is closed. */
    private final class Held implements AutoCloseable {
        private final Connection connection;

        Held(String table, long id) throws SQLException {
            connection = ledger.connect();
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute("select from %s where id = %d for update".formatted(table, id));
            }
        }

        @Override
        public void close() {
            try {
                connection.close();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static boolean joins(Thread thread) {
        try {
            return thread.join(Duration.ofSeconds(10));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private InventoryJobConsumer consumer(JobConfig.Consumer config, String name) {
        return consumer(config, name, settleStock);
    }

    private InventoryJobConsumer consumer(JobConfig.Consumer config, String name, SettleStock settleStock) {
        return new InventoryJobConsumer(
                queue, settleStock, failedJobs, workers, traces, Clock.systemUTC(), config, name);
    }

    private static JobConfig.Consumer config(Duration claimAfter) {
        return new Settings("off", 50, Duration.ofMillis(100), claimAfter);
    }

    private record Settings(String every, int batchSize, Duration block, Duration claimAfter)
            implements JobConfig.Consumer {}

    private boolean isSettled(long order) {
        return !Shop.status(order).equals("Pending") && length() == 0;
    }

    private long pending() {
        return redis.stream(String.class)
                .xpending(Streams.JOBS, InventoryJobQueue.GROUP)
                .getPendingCount();
    }

    private long length() {
        return redis.stream(String.class).xlen(Streams.JOBS);
    }

    private void awaitLength(long length) {
        await().atMost(Duration.ofSeconds(10)).until(() -> length() == length);
    }
}
