package dev.oms.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThanOrEqualTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code /jobs}, with the scheduled consumer and reconciler. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class JobResourceTest {
    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;
    private long item;

    @BeforeEach
    void setUp() {
        ledger.awaitSettled();
        ledger.execute("truncate failed_jobs");
        user = Shop.user();
        name = Shop.uniqueName();
        item = Shop.item(name, 10, 0);
    }

    @AfterEach
    void audit() {
        ledger.awaitSettled();
        ledger.assertConsistent();
    }

    @Test
    void showsTheStateOfTheJobs() {
        Shop.settled(Shop.order(user, Map.of(name, 1)));

        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> given().get("/jobs")
                        .then()
                        .statusCode(200)
                        .body("redis", equalTo(true))
                        .body("depth", equalTo(0))
                        .body("oldest_age_seconds", equalTo(0))
                        .body("in_flight", equalTo(0))
                        .body("settled", greaterThanOrEqualTo(1))
                        .body("failed", equalTo(0))
                        .body("dead", equalTo(0))
                        .body("workers.name", notNullValue())
                        .body("workers[0].started_at", notNullValue())
                        .body("last_reconciliation.at", notNullValue()));
    }

    @Test
    void showsTheCountsOfTheDatabaseWithoutRedis() throws IOException {
        OmsServers.servers().stopRedis();
        try {
            given().get("/jobs")
                    .then()
                    .statusCode(200)
                    .body("redis", equalTo(false))
                    .body("depth", nullValue())
                    .body("dead", equalTo(0));
        } finally {
            OmsServers.servers().startRedis();
        }
    }

    @Test
    void retriesADeadJob() {
        long order = deadJob();
        given().get("/jobs").then().body("dead", equalTo(1)).body("failed", equalTo(0));
        given().get("/jobs/failed?dead=true").then().body("order_id", contains((int) order));
        given().get("/jobs/failed?dead=false").then().body("size()", equalTo(0));
        ledger.execute("update orders set due = 'DEDUCTION' where id = " + order);

        given().post("/jobs/failed/{id}/retry", order)
                .then()
                .statusCode(202)
                .body("order_id", equalTo((int) order))
                .body("attempts", equalTo(0))
                .body("dead_at", nullValue())
                .body("next_attempt_at", notNullValue());

        assertThat(Shop.settled(order)).isEqualTo("Confirmed");
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> given().get("/jobs/failed").then().body("size()", equalTo(0)));
    }

    @Test
    void retriesAllFailedAndDeadJobs() {
        long first = deadJob();
        long second = deadJob();
        ledger.execute("update orders set due = 'DEDUCTION' where id in (%d, %d)".formatted(first, second));
        ledger.execute("update failed_jobs set dead_at = null, attempts = 3, next_attempt_at = now() + interval '1 day'"
                + " where order_id = " + second);
        ledger.execute("insert into failed_jobs values (-5, 1, 'names no order', null, now())");
        // More than a page of dead jobs whose orders do not exist.
        ledger.execute(
                "insert into failed_jobs select 900000000 + n, 25, 'no', null, now() from generate_series(1, 1200) n");

        given().post("/jobs/failed/retry").then().statusCode(202).body("retried", equalTo(1_202));

        assertThat(Shop.settled(first)).isEqualTo("Confirmed");
        assertThat(Shop.settled(second)).isEqualTo("Confirmed");
        assertThat(ledger.count("failed_jobs where dead_at is not null")).isEqualTo(1);
        assertThat(ledger.count("failed_jobs where dead_at is not null and order_id = -5"))
                .isEqualTo(1);
        ledger.execute("truncate failed_jobs");
    }

    @Test
    void dropsADeadJobAndClearsWhatWasDue() {
        long order = deadJob();
        ledger.execute("update orders set due = 'DEDUCTION' where id = " + order);

        given().delete("/jobs/failed/{id}", order).then().statusCode(204);

        assertThat(Shop.status(order)).isEqualTo("Rejected");
        assertThat(Shop.quantity(item)).isEqualTo(10);
        given().delete("/jobs/failed/{id}", order).then().statusCode(404);
        given().post("/jobs/failed/{id}/retry", order).then().statusCode(404);
    }

    @Test
    void dropsButDoesNotRetryAJobThatNamesNoOrder() {
        OmsServers.streams().send("nonsense", "7");
        await().atMost(Duration.ofSeconds(20)).until(() -> ledger.count("failed_jobs") == 1);
        long number = given().get("/jobs/failed").jsonPath().getLong("[0].order_id");

        given().post("/jobs/failed/{id}/retry", number)
                .then()
                .statusCode(409)
                .contentType("application/problem+json")
                .body("detail", containsString("dropped"));
        given().delete("/jobs/failed/{id}", number).then().statusCode(204);

        given().get("/jobs/failed").then().body("size()", equalTo(0));
    }

    /** Creates an order with a dead job, and returns its id. */
    private long deadJob() {
        return Long.parseLong(ledger.texts("""
                with o as (insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
                        values (%d, 'Pending', 'RESTORATION', now(), now(), now()) returning id),
                    l as (insert into order_lines select id, %d, 1 from o),
                    f as (insert into failed_jobs select id, 25, 'no restoration can be due', null, now() from o)
                select id from o""".formatted(user, item)).getFirst());
    }
}
