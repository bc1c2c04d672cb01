package dev.oms.concurrency;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.notNullValue;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A row of a user or an item that somebody holds costs its own orders their time-out, and others nothing. */
@Tag("full")
@QuarkusTest
@WithTestResource(OmsServers.class)
class HeldRowTest {
    private static final int THREADS = 16;
    private static final int ORDERS = 200;

    /**
     * By how much the p99 of other orders may grow. A held row makes its own orders wait some hundred times as long.
     */
    private static final int SLOWER_MAX = 2;

    /** By how much the time of nine of ten other orders may grow in any round. */
    private static final int NOISE_MAX = 10;

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
        assertOnlyOwnOrdersWait("select from users where id = " + heldUser + " for update", List.of(heldUser), item);
    }

    @Test
    void fourHeldUsersDelayOnlyTheirOwnOrders() throws Exception {
        List<Long> users = List.of(heldUser, Shop.user(), Shop.user(), Shop.user());
        assertOnlyOwnOrdersWait(
                "select from users where id = any ('{%s}') for update"
                        .formatted(users.stream().map(String::valueOf).collect(Collectors.joining(","))),
                users,
                item);
    }

    @Test
    void aHeldItemDelaysOnlyOrdersForIt() throws Exception {
        assertOnlyOwnOrdersWait(
                "select from inventory_items where id = " + heldItemId + " for update", List.of(user), heldItem);
    }

    private void assertOnlyOwnOrdersWait(String hold, List<Long> waitingUsers, String waitingItem) throws Exception {
        placeOthers();
        List<Duration> free = placeOthers();
        try (Connection connection = ledger.connect();
                Statement statement = connection.createStatement();
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            connection.setAutoCommit(false);
            statement.execute(hold);
            AtomicBoolean stopping = new AtomicBoolean();
            List<Future<List<Response>>> waiting = new ArrayList<>();
            for (long waitingUser : waitingUsers) {
                for (int i = 0; i < 4; i++) {
                    waiting.add(executor.submit(() -> {
                        List<Response> responses = new ArrayList<>();
                        do {
                            responses.add(place(waitingUser, waitingItem));
                        } while (!stopping.get());
                        return responses;
                    }));
                }
            }
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") > 0);

            // In one round or another: on a noisy machine each has its own pace.
            await().atMost(Duration.ofSeconds(60)).until(() -> {
                List<Duration> others = placeOthers();
                assertThat(percentile(others, 90))
                        .isLessThan(percentile(free, 90).multipliedBy(NOISE_MAX));
                return percentile(others, 99).compareTo(percentile(free, 99).multipliedBy(SLOWER_MAX)) <= 0;
            });
            stopping.set(true);

            for (Future<List<Response>> each : waiting) {
                each.get()
                        .forEach(response -> response.then()
                                .statusCode(503)
                                .header("Retry-After", notNullValue())
                                .body("detail", containsString("nothing was changed")));
            }
            connection.rollback();
        }

        assertThat(place(waitingUsers.getFirst(), waitingItem).statusCode()).isEqualTo(201);
    }

    /** Returns how long each took, the shortest first. */
    private List<Duration> placeOthers() throws Exception {
        List<Duration> times = Concurrently.run(THREADS, Collections.nCopies(ORDERS, () -> {
            long started = System.nanoTime();
            place(user, item).then().statusCode(201);
            return Duration.ofNanos(System.nanoTime() - started);
        }));
        return times.stream().sorted().toList();
    }

    private static Duration percentile(List<Duration> times, int percent) {
        return times.get(ORDERS * percent / 100);
    }

    private static Response place(long user, String item) {
        return given().contentType("application/json")
                .body(Map.of("items", Map.of(item, 1)))
                .post("/orders?user_id=" + user);
    }
}
