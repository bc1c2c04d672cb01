package dev.oms.order;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.job.Settling;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import jakarta.enterprise.inject.spi.CDI;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Orders sent again under their idempotency keys. Keys are purged only when a test does it. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class IdempotencyTest {
    private final Settling settling = new Settling();

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;
    private String other;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        name = Shop.uniqueName();
        other = Shop.uniqueName();
        Shop.item(name, 10, 0);
        Shop.item(other, 10, 0);
    }

    @AfterEach
    void audit() {
        ledger.assertConsistent();
    }

    @Test
    void answersAReplayWithTheCurrentOrder() {
        Response first = place("abc", body(2));
        long order = isNew(first);
        settling.settle(order);

        Response again = place("abc", body(2));

        again.then()
                .statusCode(201)
                .contentType(ContentType.JSON)
                .header("Idempotency-Replayed", "true")
                .header("Location", first.header("Location"))
                .header("Location", endsWith("/orders/" + order))
                .header("ETag", "\"1\"")
                .body("id", equalTo((int) order))
                .body("status", equalTo("Confirmed"))
                .body("items", equalTo(Map.of(name, 2)));
        assertThat(ordersOfUser()).isOne();
        assertThat(ledger.count("order_lines where order_id = " + order)).isOne();
    }

    @Test
    void treatsEveryEncodingOfAnOrderAsTheSame() {
        long order = isNew(place("k", "{'items':{'%s':1,'%s':2}}".formatted(name, other)));

        for (String body : new String[] {
            "{'items':{'%2$s':2,'%1$s':1}}",
            " { 'order' : {\n 'items' : { '%1$s' : 1 , '%2$s' : 2 } } } ",
            "{'user_id':%3$d,'items':{'%1$s':1,'%2$s':2}}",
            "{'order':{'items':{'%2$s':2,'%1$s':1},'user_id':%3$d}}"
        }) {
            isReplayOf(order, place("k", body.formatted(name, other, user)));
        }
        isReplayOf(order, place("\"k\"", "{'items':{'%s':1,'%s':2}}".formatted(name, other)));
        assertThat(ordersOfUser()).isOne();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{'items':{'%1$s':2}}", "{'items':{'%2$s':1}}", "{'items':{'%1$s':1,'%2$s':1}}"})
    void rejectsADifferentOrderUnderTheSameKey(String another) {
        long order = isNew(place("k", body(1)));

        Response refused = place("k", another.formatted(name, other));

        refused.then()
                .statusCode(422)
                .contentType("application/problem+json")
                .body("errors.field", equalTo(java.util.List.of("Idempotency-Key")));
        assertThat(ordersOfUser()).isOne();
        isReplayOf(order, place("k", body(1)));
    }

    @Test
    void keepsTheKeysOfUsersApart() {
        long order = isNew(place("k", body(1)));
        long otherUser = Shop.user();

        Response theirs = request(body(1)).header("Idempotency-Key", "k").post("/orders?user_id=" + otherUser);

        assertThat(isNew(theirs)).isNotEqualTo(order);
    }

    @Test
    void treatsKeysAsCaseSensitive() {
        long order = isNew(place("k", body(1)));

        assertThat(isNew(place("K", body(1)))).isNotEqualTo(order);
    }

    @Test
    void placesANewOrderEachTimeWithoutAKey() {
        Response first = request(body(1)).post("/orders?user_id=" + user);
        Response second = request(body(1)).post("/orders?user_id=" + user);

        assertThat(isNew(first)).isNotEqualTo(isNew(second));
        assertThat(ledger.count("idempotency_keys where user_id = " + user)).isZero();
    }

    @Test
    void replaysAnOrderThatCouldNoLongerBePlaced() {
        long order = isNew(place("k", body(1)));
        ledger.execute("update inventory_items set archived_at = now() where name = '" + name + "'");

        isReplayOf(order, place("k", body(1)));

        place("another", body(1)).then().statusCode(422);
    }

    @Test
    void storesNoKeyWhenAnAttemptIsRejected() {
        String late = Shop.uniqueName();
        String body = "{'items':{'%s':1}}".formatted(late);
        place("k", body).then().statusCode(422);
        place("k", "{").then().statusCode(400);
        request(body(1))
                .header("Idempotency-Key", "k")
                .post("/orders?user_id=999999999")
                .then()
                .statusCode(404);
        assertThat(ledger.count("idempotency_keys where user_id in (999999999, " + user + ")"))
                .isZero();
        Shop.item(late, 1, 0);

        isReplayOf(isNew(place("k", body)), place("k", body));
    }

    @Test
    void placesNothingWhenTheKeyCannotBeStored() {
        ledger.execute("alter table idempotency_keys add constraint broken check (key <> 'poison')");
        try {
            place("poison", body(1)).then().statusCode(500);
        } finally {
            ledger.execute("alter table idempotency_keys drop constraint broken");
        }

        assertThat(ordersOfUser()).isZero();
        isNew(place("poison", body(1)));
    }

    /** Both requests together would take longer than a client waits. */
    @Test
    void doesNotTryAfterALongWaitForAnotherAttempt() throws Exception {
        try (Connection holding = ledger.connect();
                Statement statement = holding.createStatement();
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            holding.setAutoCommit(false);
            statement.execute("select from users where id = %d for update".formatted(user));
            Future<Response> attempt = clients.submit(() -> place("k", body(1)));
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") > 0);

            Response waiting = place("k", body(1));

            waiting.then().statusCode(503).body("detail", containsString("this one was not tried"));
            attempt.get().then().statusCode(503);
        }
        assertThat(ordersOfUser()).isZero();
        isNew(place("k", body(1)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\"\"", "\"abc", "a\tb", "\"a\", \"b\""})
    void rejectsInvalidKeys(String header) {
        place(header, body(1))
                .then()
                .statusCode(400)
                .contentType("application/problem+json")
                .body("detail", containsString("Idempotency-Key"));
        assertThat(ordersOfUser()).isZero();
    }

    @Test
    void rejectsARepeatedHeader() {
        request(body(1))
                .header("Idempotency-Key", "a", "a")
                .post("/orders?user_id=" + user)
                .then()
                .statusCode(400)
                .body("detail", containsString("Idempotency-Key"));
        assertThat(ordersOfUser()).isZero();
    }

    @Test
    void treatsAnExpiredKeyAsNew() {
        long order = isNew(place("k", body(1)));
        age("k", "23 hours 59 minutes");
        isReplayOf(order, place("k", body(1)));
        age("k", "24 hours");

        long next = isNew(place("k", body(2)));

        assertThat(next).isNotEqualTo(order);
        isReplayOf(next, place("k", body(2)));
        place("k", body(1)).then().statusCode(422);
    }

    @Test
    @DisabledOnIntegrationTest("The worker purges on its own schedule")
    void purgesOnlyExpiredKeys() {
        long order = isNew(place("live", body(1)));
        isNew(place("old", body(1)));
        age("old", "24 hours");
        // More than one batch.
        ledger.execute("""
                insert into idempotency_keys
                select %d, 'batch ' || n, '', %d, now() - interval '25 hours' from generate_series(1, 2500) n""".formatted(user, order));

        assertThat(purge()).isGreaterThanOrEqualTo(2501);

        assertThat(ledger.texts("select key from idempotency_keys where user_id = " + user))
                .containsExactly("live");
        assertThat(purge()).isZero();
        isReplayOf(order, place("live", body(1)));
    }

    @Test
    @DisabledOnIntegrationTest("The worker purges on its own schedule")
    void purgesOldestFirstAndAtMostOneBatch() {
        long order = isNew(place("live", body(1)));
        purge();
        ledger.execute("""
                insert into idempotency_keys
                select %d, 'batch ' || n, '', %d, now() - n * interval '25 hours' from generate_series(1, 5) n""".formatted(user, order));

        assertThat(QuarkusTransaction.requiringNew()
                        .call(() -> CDI.current()
                                .select(IdempotencyKeys.class)
                                .get()
                                .purge(2)))
                .isEqualTo(2);

        assertThat(ledger.texts("select key from idempotency_keys where user_id = " + user + " order by key"))
                .containsExactly("batch 1", "batch 2", "batch 3", "live");
    }

    private static int purge() {
        return CDI.current().select(PurgeIdempotencyKeys.class).get().purge();
    }

    private Response place(String key, String body) {
        return request(body).header("Idempotency-Key", key).post("/orders?user_id=" + user);
    }

    private static RequestSpecification request(String body) {
        return given().contentType(ContentType.JSON).body(body.replace('\'', '"'));
    }

    private String body(int quantity) {
        return "{'items':{'%s':%d}}".formatted(name, quantity);
    }

    /** Backdates a key. */
    private void age(String key, String by) {
        ledger.execute(
                "update idempotency_keys set created_at = now() - interval '%s' where user_id = %d and key = '%s'"
                        .formatted(by, user, key));
    }

    private long ordersOfUser() {
        return ledger.count("orders where user_id = " + user);
    }

    private static long isNew(Response response) {
        response.then().statusCode(201).header("Idempotency-Replayed", nullValue());
        return response.jsonPath().getLong("id");
    }

    private static void isReplayOf(long order, Response response) {
        response.then().statusCode(201).header("Idempotency-Replayed", "true").body("id", equalTo((int) order));
    }
}
