package dev.oms.concurrency;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Concurrent calls over HTTP, while the scheduled consumer settles orders. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class StockRaceTest {
    private static final int THREADS = 32;

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        name = Shop.uniqueName();
    }

    @AfterEach
    void audit() {
        ledger.awaitSettled();
        ledger.assertConsistent();
    }

    @Test
    void sellsTheLastUnitToOneOfAThousandBuyers() throws Exception {
        long item = Shop.item(name, 1, 0);
        List<Callable<Long>> buyers = Collections.nCopies(1_000, () -> Shop.order(user, Map.of(name, 1)));

        List<Long> orders = Concurrently.run(THREADS, buyers);
        ledger.awaitSettled();

        assertThat(orders).doesNotHaveDuplicates().hasSize(1_000);
        assertThat(ledger.count("orders where status = 'Confirmed' and user_id = " + user))
                .isOne();
        assertThat(ledger.count("orders where status = 'Rejected' and user_id = " + user))
                .isEqualTo(999);
        assertThat(Shop.quantity(item)).isZero();
    }

    @Test
    void conservesStockWhenCancelsRaceTheConsumer() throws Exception {
        long item = Shop.item(name, 1_001, 0);
        long first;
        List<Integer> answers;
        try (Connection holder = ledger.connect();
                Statement statement = holder.createStatement()) {
            holder.setAutoCommit(false);
            // Each side wins at least once, however fast the other is: the consumer waits with the first order until
            // another has been cancelled.
            statement.execute("select from inventory_items where id = " + item + " for no key update");
            first = Shop.order(user, Map.of(name, 1));
            long pid = pid(statement);
            await().until(() ->
                    ledger.count("pg_stat_activity where %d = any(pg_blocking_pids(pid))".formatted(pid)) > 0);
            Random random = new Random(7);
            List<Callable<Integer>> placeAndCancel = new ArrayList<>();
            for (int i = 0; i < 1_000; i++) {
                // A batch takes some milliseconds: some cancels come before it, some during it, some after it.
                long pauseMillis = random.nextInt(25);
                placeAndCancel.add(() -> {
                    long order = Shop.order(user, Map.of(name, 1));
                    Thread.sleep(pauseMillis);
                    int answer = Shop.cancel(order).statusCode();
                    holder.rollback();
                    return answer;
                });
            }
            answers = Concurrently.run(THREADS, placeAndCancel);
        }
        Shop.settled(first);
        answers.add(Shop.cancel(first).statusCode());
        ledger.awaitSettled();

        assertThat(answers).containsOnly(200);
        assertThat(ledger.count("orders where status = 'Cancelled' and user_id = " + user))
                .isEqualTo(1_001);
        assertThat(Shop.quantity(item)).isEqualTo(1_001);
        long deducted = ledger.count("stock_movements where kind = 'DEDUCTION' and inventory_item_id = " + item);
        assertThat(ledger.count("stock_movements where kind = 'RESTORATION' and inventory_item_id = " + item))
                .isEqualTo(deducted);
        assertThat(deducted).isBetween(1L, 1_000L);
    }

    private static long pid(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("select pg_backend_pid()")) {
            row.next();
            return row.getLong(1);
        }
    }

    @Test
    void restoresStockOnceWhenManyCancelAtOnce() throws Exception {
        long item = Shop.item(name, 1, 0);
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);

        List<Integer> answers = Concurrently.run(
                THREADS, Collections.nCopies(100, () -> Shop.cancel(order).statusCode()));
        ledger.awaitSettled();

        assertThat(answers).containsOnly(200);
        assertThat(Shop.quantity(item)).isEqualTo(1);
    }

    @Test
    void keepsTheLedgerConsistentWhenCorrectionsRaceOrders() throws Exception {
        long item = Shop.item(name, 1_000, 0);
        List<Callable<Integer>> work = new ArrayList<>();
        IntStream.range(0, 200).forEach(i -> work.add(() -> (int) Shop.order(user, Map.of(name, 1))));
        IntStream.range(0, 50)
                .forEach(i -> work.add(() -> Shop.correct(item, 1_000 + i).statusCode()));
        Collections.shuffle(work, new Random(3));

        Concurrently.run(THREADS, work);
        ledger.awaitSettled();

        assertThat(ledger.count("orders where status = 'Confirmed' and user_id = " + user))
                .isEqualTo(200);
        assertThat(ledger.count("stock_movements where kind = 'CORRECTION' and inventory_item_id = " + item))
                .isGreaterThan(1);
    }

    @Test
    void losesNoAdjustmentWhenManyRaceOrders() throws Exception {
        long item = Shop.item(name, 350, 0);
        List<Callable<Integer>> work = new ArrayList<>();
        IntStream.range(0, 200)
                .forEach(i -> work.add(() -> {
                    Shop.order(user, Map.of(name, 1));
                    return 200;
                }));
        IntStream.range(0, 150)
                .forEach(i -> work.add(() -> given().contentType("application/json")
                        .body(Map.of("delta", -1, "reason", "damaged"))
                        .post("/inventory_items/{id}/adjust", item)
                        .statusCode()));
        IntStream.range(0, 50)
                .forEach(i -> work.add(() -> given().contentType("application/json")
                        .body(Map.of("delta", 1, "reason", "found"))
                        .post("/inventory_items/{id}/adjust", item)
                        .statusCode()));
        Collections.shuffle(work, new Random(3));

        List<Integer> answers = Concurrently.run(THREADS, work);
        ledger.awaitSettled();

        assertThat(answers).containsOnly(200);
        assertThat(Shop.quantity(item)).isEqualTo(350 - 200 - 150 + 50);
        assertThat(ledger.count("stock_movements where kind = 'CORRECTION' and inventory_item_id = " + item))
                .isEqualTo(200);
    }

    @Test
    void neverPlacesHalfAnOrderWhenItsItemIsDeletedConcurrently() throws Exception {
        for (int round = 0; round < 20; round++) {
            String fleeting = Shop.uniqueName();
            long item = Shop.item(fleeting, 100, 0);
            List<Callable<Integer>> work = new ArrayList<>(Collections.nCopies(
                    16,
                    () -> given().contentType("application/json")
                            .body(Map.of("items", Map.of(fleeting, 1)))
                            .post("/orders?user_id=" + user)
                            .statusCode()));
            work.add(
                    round % 16, () -> given().delete("/inventory_items/" + item).statusCode());

            List<Integer> answers = Concurrently.run(17, work);

            assertThat(answers).isSubsetOf(201, 422, 204).containsOnlyOnce(204);
            assertThat(ledger.count("order_lines where inventory_item_id = " + item))
                    .isEqualTo(answers.stream().filter(answer -> answer == 201).count());
        }
        assertThat(ledger.count("orders o where not exists (select from order_lines where order_id = o.id)"))
                .isZero();
    }
}
