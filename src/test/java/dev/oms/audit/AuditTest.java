package dev.oms.audit;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.PackagedWorker;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.audit.Audits.Lease;
import dev.oms.audit.Audits.LostLeaseException;
import dev.oms.job.Settling;
import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.path.json.JsonPath;
import jakarta.enterprise.inject.spi.CDI;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The audit finds the damage that the tests do to the data, and nothing else. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class AuditTest {
    private final Settling settling = new Settling();

    private final Ledger ledger = OmsServers.ledger();

    private Audits audits;
    private Audit audit;
    private String name;
    private long item;
    private long order;

    @BeforeEach
    void setUp() {
        name = Shop.uniqueName();
        item = Shop.item(name, 10, 0);
        order = Shop.order(Shop.user(), Map.of(name, 2));
        settling.settle(order);
        assertThat(found()).isEmpty();
        if (!PackagedWorker.isRunning()) {
            audits = CDI.current().select(Audits.class).get();
            audit = CDI.current().select(Audit.class).get();
        }
    }

    @AfterEach
    void leaveNoDamage() {
        ledger.assertConsistent();
    }

    private static List<Map<String, Object>> found() {
        JsonPath audit = audited();
        List<Map<String, Object>> discrepancies = audit.getList("discrepancies");
        assertThat(audit.getString("status")).isEqualTo("Complete");
        assertThat(audit.getBoolean("full")).isTrue();
        assertThat(audit.getInt("count")).isEqualTo(discrepancies.size());
        return discrepancies;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            update inventory_items set quantity = 9 where id = :item | \
                update inventory_items set quantity = 8 where id = :item | QUANTITY item has 9, but its ledger adds up to 8
            update stock_movements set quantity_after = 7 where order_id = :order | \
                update stock_movements set quantity_after = 8 where order_id = :order | \
                QUANTITY_AFTER item order movement :id has quantity_after 7, but the ledger adds up to 8
            update orders set status = 'Rejected' where id = :order | \
                update orders set status = 'Confirmed' where id = :order | \
                ORDER item order is Rejected, but its line of 2 moved by -2 (movements: 1)
            update orders set status = 'Pending', due = 'DEDUCTION' where id = :order | \
                update orders set status = 'Confirmed', due = null where id = :order | \
                ORDER item order is Pending, but its line of 2 moved by -2 (movements: 1)
            update orders set status = 'Cancelled' where id = :order | \
                update orders set status = 'Confirmed' where id = :order | \
                ORDER item order is Cancelled, but its line of 2 moved by -2 (movements: 1)
            update orders set due = 'DEDUCTION' where id = :order | \
                update orders set due = null where id = :order | DUE order is Confirmed with DEDUCTION due
            update order_lines set quantity = 3 where order_id = :order | \
                update order_lines set quantity = 2 where order_id = :order | \
                ORDER item order is Confirmed, but its line of 3 moved by -2 (movements: 1)
            delete from order_lines where order_id = :order | \
                insert into order_lines values (:order, :item, 2) | \
                STRAY item order movement :id belongs to no line of the order
            """)
    void reportsEachDiscrepancy(String damage, String repair, String expected) {
        ledger.execute(of(damage));
        try {
            List<Map<String, Object>> found = found();

            assertThat(found)
                    .singleElement()
                    .satisfies(discrepancy -> assertThat(discrepancy.get("kind")
                                    + (discrepancy.get("inventory_item_id") == null ? "" : " item")
                                    + (discrepancy.get("order_id") == null ? "" : " order")
                                    + " " + discrepancy.get("detail"))
                            .isEqualTo(of(expected)));
            assertThat(found.getFirst().get("inventory_item_id")).isIn((int) item, null);
            assertThat(found.getFirst().get("order_id")).isIn((int) order, null);
        } finally {
            ledger.execute(of(repair));
        }
        assertThat(found()).isEmpty();
    }

    /**
     * By the statements of operating.md, after orders were settled on the wrong quantity. Another item has movements
     * with the same ids, as after a restore that left the sequence behind.
     */
    @Test
    void findsNothingAfterTheDocumentedRepair() throws IOException {
        long other = Shop.item(Shop.uniqueName(), 0, 0);
        ledger.execute("update inventory_items set quantity = 3 where id = " + item);
        settling.settle(Shop.order(Shop.user(), Map.of(name, 1)));
        given().contentType("application/json")
                .body("{\"quantity\":9,\"reason\":\"not a repair\"}")
                .put("/inventory_items/{id}", item)
                .then()
                .statusCode(200);
        assertThat(found())
                .extracting(found -> found.get("kind"))
                .containsExactlyInAnyOrder("QUANTITY", "QUANTITY_AFTER", "QUANTITY_AFTER");
        ledger.execute("""
                insert into stock_movements (id, inventory_item_id, kind, delta, quantity_after, created_at)
                overriding system value
                select id, %1$d, 'CORRECTION', 1, row_number() over (order by id), created_at
                from stock_movements where inventory_item_id = %2$d
                    and id > (select max(id) from stock_movements where inventory_item_id = %1$d)""".formatted(other, item));
        ledger.execute("update inventory_items set quantity = (select count(*) from stock_movements"
                + " where inventory_item_id = %1$d and kind = 'CORRECTION') where id = %1$d".formatted(other));
        String page = Files.readString(Path.of("src/site/markdown/operating.md"));
        int sql = page.indexOf("```sql\nbegin;\n") + "```sql\n".length();

        ledger.execute(page.substring(sql, page.indexOf("```", sql)).replace(":item", Long.toString(item)));

        assertThat(found()).isEmpty();
        assertThat(Shop.quantity(item)).isEqualTo(14);
    }

    private String of(String template) {
        return template.replace(":item", Long.toString(item))
                .replace(":order", Long.toString(order))
                .replace(
                        ":id",
                        ledger.texts("select id from stock_movements where order_id = " + order)
                                .getFirst());
    }

    @Test
    void reportsThatThereHasBeenNoAudit() {
        ledger.execute("truncate audits");

        given().get("/inventory_items/audit")
                .then()
                .statusCode(200)
                .contentType("application/json")
                .body("status", equalTo("None"))
                .body("count", nullValue())
                .body("discrepancies", nullValue());
    }

    @Test
    void showsTheLastAuditUntilTheNextHasEnded() {
        ledger.execute("update inventory_items set quantity = quantity + 1 where id = " + item);
        long before = audited().getLong("id");
        ledger.execute("update inventory_items set quantity = quantity - 1 where id = " + item);
        ledger.execute("""
                insert into audits (status, attempt, started_at, full_started_at, leased_until)
                values ('Running', 1, now(), now(), now() + interval '1 minute')""");

        long next = Shop.requestAudit();

        assertThat(Shop.requestAudit()).isEqualTo(next);
        given().get("/inventory_items/audit")
                .then()
                .statusCode(200)
                .body("id", equalTo((int) before))
                .body("next_status", equalTo("Running"))
                .body("count", equalTo(1))
                .body("discrepancies.kind", contains("QUANTITY"));
        ledger.execute("update audits set leased_until = now() where status = 'Running'");
        await().atMost(Duration.ofSeconds(60))
                .untilAsserted(() -> given().get("/inventory_items/audit")
                        .then()
                        .body("id", equalTo((int) next))
                        .body("next_status", nullValue())
                        .body("count", equalTo(0))
                        .body("finished_at", matchesPattern("\\d{4}-.*Z")));
        // The one whose worker had vanished was run too.
        assertThat(ledger.texts("select attempt from audits where status = 'Complete' and id < " + next
                        + " order by id desc limit 1"))
                .containsExactly("2");
    }

    @Test
    void reportsThatAnAuditFailed() {
        ledger.execute("alter table stock_movements rename quantity_after to hidden");
        JsonPath failed;
        try {
            failed = audited();
        } finally {
            ledger.execute("alter table stock_movements rename hidden to quantity_after");
        }

        assertThat(failed.getString("status")).isEqualTo("Failed");
        assertThat(failed.getString("error")).isEqualTo("An unexpected error occurred; the worker has logged it.");
        assertThat(failed.getString("finished_at")).isNotNull();
        assertThat(failed.<Object>get("count")).isNull();
        assertThat(failed.<Object>get("discrepancies")).isNull();
        assertThat(found()).isEmpty();
    }

    @Test
    void acceptsARestorationThatWasGivenUp() {
        Shop.cancel(order).then().statusCode(200);
        ledger.execute("insert into failed_jobs values (%d, 25, 'cannot be restored', null, now())".formatted(order));
        given().delete("/jobs/failed/{id}", order).then().statusCode(204);

        assertThat(Shop.quantity(item)).isEqualTo(8);
        assertThat(found()).isEmpty();
        given().contentType("application/json")
                .body("{\"quantity\":10,\"reason\":\"restored by hand\"}")
                .put("/inventory_items/{id}", item)
                .then()
                .statusCode(200);
        assertThat(found()).isEmpty();
    }

    @Test
    void doesNotAcceptADeductionAfterADeductionWasGivenUp() {
        ledger.execute("update orders set status = 'Cancelled', version = 3 where id = " + order);
        ledger.execute(
                "insert into events (subject, subject_id, version, type) values ('order', %d, 2, 'order.abandoned')"
                        .formatted(order));
        try {
            assertThat(found())
                    .singleElement()
                    .satisfies(found -> assertThat(found.get("kind")).isEqualTo("ORDER"));
        } finally {
            ledger.execute("update orders set status = 'Confirmed', version = 1 where id = " + order);
            ledger.execute("delete from events where type = 'order.abandoned' and subject_id = " + order);
        }
    }

    /** Long ledgers, more items than a range has, and more orders than a range has, with every kind of damage. */
    @Test
    void findsInRangesWhatComparingWholeTablesFinds() {
        String lastItem = ledger.texts("select max(id) from inventory_items").getFirst();
        String lastOrder = ledger.texts("select max(id) from orders").getFirst();
        ledger.execute("""
                with i as (
                    insert into inventory_items (name, quantity, threshold, created_at, updated_at)
                    select 'range ' || %1$s || ' ' || n, 0, 0, now(), now() from generate_series(1, 250) n)
                insert into orders (user_id, status, enqueued_at, version, created_at, updated_at)
                select (select max(id) from users), 'Confirmed', now(), 1, now(), now() from generate_series(1, 25000)
                """.formatted(lastItem));
        try {
            // The first item has 25,001 movements, the second one more than are read of an item at once.
            ledger.execute("""
                    insert into stock_movements (inventory_item_id, kind, delta, quantity_after, created_at)
                    select id, 'OPENING', 100000, 100000, now() from inventory_items where id > %s
                    """.formatted(lastItem));
            ledger.execute("""
                    with line as (
                        insert into order_lines
                        select o.id, i.id, 1 from (select id, row_number() over (order by id) n from orders where id > %2$s) o
                        join (select id, row_number() over (order by id) n from inventory_items where id > %1$s) i
                            on i.n = 1 or i.n = 2 and o.n <= 200 or i.n = 3 + o.n %% 248 or i.n = 3 + o.n %% 7
                        returning *)
                    insert into stock_movements (inventory_item_id, order_id, kind, delta, quantity_after, created_at)
                    select inventory_item_id, order_id, 'DEDUCTION', -1,
                        100000 - row_number() over (partition by inventory_item_id order by order_id), now()
                    from line order by order_id, inventory_item_id""".formatted(lastItem, lastOrder));
            ledger.execute("""
                    update inventory_items i set quantity = 100000 - (
                        select count(*) - 1 from stock_movements where inventory_item_id = i.id)
                    where id > %s""".formatted(lastItem));
            assertThat(audited().getInt("count")).isZero();
            ledger.execute("update inventory_items set quantity = quantity + 1 where id > %s and id %% 9 = 0"
                    .formatted(lastItem));
            ledger.execute("""
                    update stock_movements set quantity_after = quantity_after - 1
                    where inventory_item_id > %s and id %% 997 = 0""".formatted(lastItem));
            ledger.execute(
                    "update stock_movements set delta = -2 where id = (select max(id) - 300 from stock_movements)");
            ledger.execute(
                    "update orders set status = 'Rejected' where id > %s and id %% 991 = 0".formatted(lastOrder));
            ledger.execute("update orders set due = 'DEDUCTION' where id > %s and id %% 983 = 0".formatted(lastOrder));
            ledger.execute("delete from order_lines where order_id > %s and order_id %% 977 = 0".formatted(lastOrder));
            ledger.execute("""
                    update stock_movements set order_id = null
                    where order_id > %s and order_id %% 971 = 0""".formatted(lastOrder));
            ledger.execute("""
                    delete from stock_movements where inventory_item_id = (
                        select max(id) from inventory_items where id > %s)""".formatted(lastItem));

            JsonPath audit = audited();

            List<String> expected = WholeTables.discrepancies(ledger);
            assertThat(expected).hasSizeBetween(300, 1_000);
            assertThat(audit.getInt("count")).isEqualTo(expected.size());
            assertThat(audit.<Map<String, Object>>getList("discrepancies"))
                    .extracting(found -> "%s %s %s %s"
                            .formatted(
                                    found.get("kind"),
                                    found.get("inventory_item_id"),
                                    found.get("order_id"),
                                    found.get("detail")))
                    .containsExactlyInAnyOrderElementsOf(expected);
        } finally {
            ledger.execute("delete from stock_movements where inventory_item_id > " + lastItem);
            ledger.execute("delete from order_lines where order_id > " + lastOrder);
            ledger.execute("delete from orders where id > " + lastOrder);
            ledger.execute("delete from inventory_items where id > " + lastItem);
        }
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void readsOnlyWhatMovedSinceAnAuditThatFoundNothing() {
        Lease lease = takeUp();

        Audit.Outcome clean = audit.run(lease);

        assertThat(lease.isFull()).isFalse();
        assertThat(clean.findings().count()).isZero();
        assertThat(clean.lastOrderId()).isGreaterThanOrEqualTo(order);
        audits.complete(lease, clean);
        // Damage before the checkpoint is left to the next full audit, damage since is found.
        long later = Shop.order(Shop.user(), Map.of(name, 1));
        settling.settle(later);
        String damage = "update stock_movements set quantity_after = quantity_after %s 1 where order_id in (%d, %d)";
        ledger.execute(damage.formatted("+", order, later));
        try {
            assertThat(audit.run(takeUp()).findings().first())
                    .extracting(Discrepancy::kind, Discrepancy::orderId)
                    .containsExactly(tuple("QUANTITY_AFTER", later));
        } finally {
            ledger.execute(damage.formatted("-", order, later));
        }
        releaseAll();
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void startsOverInFullWhenItFindsSomething() {
        long later = Shop.order(Shop.user(), Map.of(name, 1));
        settling.settle(later);
        String damage = "update stock_movements set quantity_after = quantity_after %s 1 where order_id in (%d, %d)";
        ledger.execute(damage.formatted("+", order, later));
        try {
            ledger.execute("update audits set started_at = started_at - interval '1 hour'");
            runScheduled(audit);
            releaseAll();

            given().get("/inventory_items/audit")
                    .then()
                    .body("full", equalTo(true))
                    .body("count", equalTo(2));
            assertThat(takeUp().isFull()).isTrue();
        } finally {
            ledger.execute(damage.formatted("-", order, later));
        }
        releaseAll();
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void comparesOldOrdersWhoseStockMoved() {
        Lease lease = takeUp();
        ledger.execute("""
                with m as (
                    insert into stock_movements (inventory_item_id, order_id, kind, delta, quantity_after, created_at)
                    values (%d, %d, 'RESTORATION', 2, 10, now()))
                update inventory_items set quantity = 10 where id = %1$d""".formatted(item, order));
        try {
            assertThat(audit.run(new Lease(lease.id(), lease.attempt(), false, order))
                            .findings()
                            .first())
                    .extracting(Discrepancy::kind, Discrepancy::orderId)
                    .containsExactly(tuple("ORDER", order));
        } finally {
            ledger.execute("""
                    with m as (delete from stock_movements where order_id = %d and kind = 'RESTORATION')
                    update inventory_items set quantity = 8 where id = %d""".formatted(order, item));
        }
        releaseAll();
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void auditsInFullOnceADayAndAfterAFailure() {
        Lease incremental = takeUp();
        audits.fail(incremental, "It cannot.");
        Lease afterAFailure = takeUp();
        audits.complete(afterAFailure, audit.run(afterAFailure));
        ledger.execute("update audits set full_started_at = full_started_at - interval '25 hours'");
        Lease nextDay = takeUp();
        audits.complete(nextDay, audit.run(nextDay));

        assertThat(List.of(incremental.isFull(), afterAFailure.isFull(), nextDay.isFull()))
                .containsExactly(false, true, true);
        assertThat(audits.takeUp(Duration.ofHours(1))).isEmpty();
        ledger.execute("update audits set started_at = started_at - interval '1 hour'");
        assertThat(audits.takeUp(Duration.ofHours(1))).isPresent();
        releaseAll();
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void continuesAnAuditThatFoundNoOrder() {
        Lease lease = takeUp();
        audits.complete(lease, new Audit.Outcome(new Audit.Findings(), Long.MIN_VALUE));

        Lease next = takeUp();

        assertThat(next.isFull()).isFalse();
        assertThat(audit.run(next).lastOrderId()).isGreaterThanOrEqualTo(order);
        releaseAll();
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void runsOneAuditAtATime() {
        List<Lease> leases = IntStream.range(0, 8)
                .parallel()
                .mapToObj(i -> audits.takeUp(Duration.ZERO))
                .flatMap(Optional::stream)
                .toList();

        assertThat(leases).hasSize(1);
        assertThat(audits.takeUp(Duration.ZERO)).isEmpty();
        Lease lost = leases.getFirst();
        // The worker in this process takes it over.
        releaseAll();
        assertThatThrownBy(() -> audit.run(lost)).isInstanceOf(LostLeaseException.class);
        audits.complete(lost, new Audit.Outcome(new Audit.Findings(), -1));
        assertThat(ledger.texts("select attempt || ' ' || (last_order_id > 0) from audits where id = " + lost.id()))
                .containsExactly("2 true");
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void handsTheAuditOnWhenItsWorkerIsStopped() {
        ledger.execute("update audits set started_at = started_at - interval '1 hour'");

        runScheduled(new Audit(dataSource(), audits) {
            @Override
            Outcome run(Lease lease) {
                stop();
                return super.run(lease);
            }
        });

        // Not two minutes later, when the lease would have expired.
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(
                                ledger.texts("select status || ' ' || attempt from audits order by id desc limit 1"))
                        .containsExactly("Complete 2"));
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void takesUpNoAuditWhenItsWorkerIsStopped() {
        Audit stopped = new Audit(dataSource(), audits);
        stopped.stop();
        ledger.execute("update audits set started_at = started_at - interval '1 hour'");
        long before = ledger.count("audits");

        runScheduled(stopped);

        assertThat(ledger.count("audits")).isEqualTo(before);
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void stopsThoughTheRangeDoesNotEnd() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        RunAudit run = scheduled(new Audit(dataSource(), audits) {
            @Override
            Outcome run(Lease lease) {
                begun.countDown();
                try {
                    ended.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return super.run(lease);
            }
        });
        ledger.execute("update audits set started_at = started_at - interval '1 hour'");
        Thread polling = Thread.ofVirtual().start(run::poll);
        try {
            assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
            assertTimeoutPreemptively(Duration.ofSeconds(60), () -> run.stop(new ShutdownEvent()));
        } finally {
            ended.countDown();
            polling.join();
        }
        releaseAll();
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void waitsForNoRangeThatOutlastsItsLease() throws SQLException {
        Lease lease = takeUp();
        try (Connection range = ledger.connect();
                Connection others = ledger.connect();
                Statement lock = others.createStatement()) {
            // Keeps the worker of this process from the expired audit until the range holds the row.
            others.setAutoCommit(false);
            lock.execute(Audits.LOCK);
            ledger.execute("update audits set leased_until = now() where status = 'Running'");
            range.setAutoCommit(false);
            audits.renew(range, lease);
            others.commit();

            // Without an exception of lock_timeout, too.
            assertThat(audits.takeUp(Duration.ZERO)).isEmpty();

            range.commit();
        }
        releaseAll();
    }

    @Test
    @DisabledOnIntegrationTest("Needs the beans of the worker")
    void reportsThatTheDatabaseWasTooSlow() {
        ledger.execute("update audits set started_at = started_at - interval '1 hour'");

        runScheduled(new Audit(dataSource(), audits) {
            @Override
            Outcome run(Lease lease) {
                return QuarkusTransaction.requiringNew().call(() -> {
                    try (Connection connection = dataSource().getConnection();
                            Statement statement = connection.createStatement()) {
                        statement.execute("set local statement_timeout = '10ms'");
                        statement.execute("select pg_sleep(10)");
                        throw new AssertionError("The statement did not time out");
                    }
                });
            }
        });

        given().get("/inventory_items/audit")
                .then()
                .body("status", equalTo("Failed"))
                .body("error", equalTo("The database was unavailable or busy."));
    }

    @Test
    void forgetsCheckpointsInPages() {
        ledger.execute("""
                create function limit_deletion() returns trigger language plpgsql as $$ begin
                    if (select count(*) from deleted) > 10000 then raise 'too many'; end if;
                    return null;
                end $$""");
        ledger.execute("""
                create trigger limit_deletion after delete on audit_checkpoints
                referencing old table as deleted for each statement execute function limit_deletion()""");
        try {
            ledger.execute("insert into audit_checkpoints select -n, 1, 1 from generate_series(1, 25000) n");

            assertThat(found()).isEmpty();

            assertThat(ledger.count("audit_checkpoints where inventory_item_id < 0"))
                    .isZero();
        } finally {
            ledger.execute("drop trigger limit_deletion on audit_checkpoints");
            ledger.execute("drop function limit_deletion");
        }
    }

    @Test
    @DisabledOnIntegrationTest("Needs the metrics of the worker")
    void publishesTheStoredResultAsMetrics() {
        ledger.execute("update inventory_items set quantity = quantity + 1 where id = " + item);
        try {
            audited();
            awaitMetrics("oms_audit_discrepancies 1.0", "oms_audit_failed 0.0");
            audits.fail(takeUp(), "It cannot.");
            awaitMetrics("oms_audit_discrepancies 1.0", "oms_audit_failed 1.0");
        } finally {
            ledger.execute("update inventory_items set quantity = quantity - 1 where id = " + item);
        }
        audited();
        awaitMetrics("oms_audit_discrepancies 0.0", "oms_audit_failed 0.0");
        ledger.execute("truncate audits");
        awaitMetrics("oms_audit_discrepancies -1.0", "oms_audit_failed 0.0");
    }

    /** Asks for an audit and returns its result. */
    private static JsonPath audited() {
        long id = Shop.requestAudit();
        runNext();
        return Shop.awaitAudit(id);
    }

    /** Spares the wait for the worker that is part of this process. */
    private static void runNext() {
        if (!PackagedWorker.isRunning()) {
            CDI.current().select(RunAudit.class).get().runNext();
        }
    }

    /** Takes up the audit that is due, as a worker with a schedule does. */
    private Lease takeUp() {
        return audits.takeUp(Duration.ZERO).orElseThrow();
    }

    /** Takes up the audit that is due, and runs it, as a worker with a schedule does. */
    private void runScheduled(Audit audit) {
        scheduled(audit).runNext();
    }

    private RunAudit scheduled(Audit audit) {
        return new RunAudit(
                audits, audit, CDI.current().select(AuditMetric.class).get(), "off", "1h");
    }

    private static AgroalDataSource dataSource() {
        return CDI.current().select(AgroalDataSource.class).get();
    }

    /** Gives up the audit that runs, and waits until a worker has run it in full. */
    private void releaseAll() {
        ledger.execute("update audits set leased_until = now() where status = 'Running'");
        runNext();
        await().atMost(Duration.ofSeconds(60))
                .until(() -> ledger.count("audits where status in ('Requested', 'Running')") == 0);
    }

    private static void awaitMetrics(String... samples) {
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(
                                OmsServers.management().get("/q/metrics").asString())
                        .contains(samples));
    }
}
