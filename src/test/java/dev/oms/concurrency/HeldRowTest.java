package dev.oms.concurrency;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A row of a user or an item that somebody holds costs its own orders their time-out, and others nothing. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class HeldRowTest {
    private static final int THREADS = 16;
    private static final int ORDERS = 200;

    private final Ledger ledger = OmsServers.ledger();
    private long heldUser;
    private long user;
    private String heldItem;
    private String item;
    private long heldItemId;

    @BeforeEach
    void setUp() {
        heldUser = Shop.user();
        user = Shop.user();
        heldItem = Shop.uniqueName();
        item = Shop.uniqueName();
        heldItemId = Shop.item(heldItem, 1_000_000, 0);
        Shop.item(item, 1_000_000, 0);
    }

    @Test
    void aHeldUserDelaysOnlyItsOwnOrders() throws Exception {
        assertOnlyOwnOrdersWait("select from users where id = " + heldUser + " for update", heldUser, item);
    }

    @Test
    void aHeldItemDelaysOnlyOrdersForIt() throws Exception {
        assertOnlyOwnOrdersWait(
                "select from inventory_items where id = " + heldItemId + " for update", user, heldItem);
    }

    private void assertOnlyOwnOrdersWait(String hold, long waitingUser, String waitingItem) throws Exception {
        try (Connection connection = ledger.connect();
                Statement statement = connection.createStatement();
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            connection.setAutoCommit(false);
            statement.execute(hold);
            List<Future<Response>> waiting = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                waiting.add(executor.submit(() -> place(waitingUser, waitingItem)));
            }
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") > 0);

            List<Callable<Integer>> others = new ArrayList<>();
            for (int i = 0; i < ORDERS; i++) {
                others.add(() -> place(user, item).statusCode());
            }
            List<Integer> statuses = Concurrently.run(THREADS, others);

            // All of them while the row is held: one time-out for each group would have taken minutes.
            assertThat(statuses).hasSize(ORDERS).containsOnly(201);
            assertThat(waiting).anySatisfy(each -> assertThat(each.isDone()).isFalse());
            for (Future<Response> each : waiting) {
                each.get()
                        .then()
                        .statusCode(503)
                        .header("Retry-After", org.hamcrest.Matchers.notNullValue())
                        .body("detail", org.hamcrest.Matchers.containsString("nothing was changed"));
            }
            connection.rollback();
        }

        assertThat(place(waitingUser, waitingItem).statusCode()).isEqualTo(201);
    }

    private static Response place(long user, String item) {
        return given().contentType("application/json")
                .body(Map.of("items", Map.of(item, 1)))
                .post("/orders?user_id=" + user);
    }
}
