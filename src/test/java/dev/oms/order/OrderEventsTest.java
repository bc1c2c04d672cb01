package dev.oms.order;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.matchesPattern;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.job.Settling;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import io.restassured.path.json.JsonPath;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The timeline of an order: what happened, who did it, and when. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class OrderEventsTest {
    private final Settling settling = new Settling();
    private long user;
    private String name;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        name = Shop.uniqueName();
        Shop.item(name, 10, 0);
    }

    @Test
    void listsTheWholeTimeline() {
        long order = Shop.order(user, Map.of(name, 2));
        Shop.update(order, "Received");
        settling.settle(order);
        given().header("OMS-Actor", "warehouse 7")
                .contentType(ContentType.JSON)
                .body(Map.of("status", "OutForDelivery"))
                .put("/orders/{id}/update_status", order)
                .then()
                .statusCode(200);
        given().header("OMS-Actor", "console")
                .post("/orders/{id}/cancel", order)
                .then()
                .statusCode(200);
        settling.settle(order);

        JsonPath events = events(order);

        assertThat(events.getList("event"))
                .isEqualTo(List.of("Placed", "Received", "Confirmed", "OutForDelivery", "Cancelled", "Restored"));
        List<String> by = events.getList("by");
        assertThat(by.get(0)).isEqualTo("api");
        assertThat(by.get(1)).isEqualTo("api");
        assertThat(by.get(2)).matches("worker \\d+@.+");
        assertThat(by.get(3)).isEqualTo("warehouse 7");
        assertThat(by.get(4)).isEqualTo("console");
        assertThat(by.get(5)).matches("worker \\d+@.+");
        assertThat(events.<String>getList("at")).isSorted();
        assertThat(events.getString("at[5]"))
                .isEqualTo(given().get("/orders/{id}", order).jsonPath().getString("updated_at"));
    }

    @Test
    void listsARejectionButNoNoOps() {
        long order = Shop.order(user, Map.of(name, 11));
        settling.settle(order);
        Shop.cancel(order);
        Shop.cancel(order);

        assertThat(events(order).getList("event")).isEqualTo(List.of("Placed", "Rejected", "Cancelled"));
    }

    /** As during a rolling update. */
    @Test
    void leavesOutWhatOnlyANewerProcessKnows() {
        long order = Shop.order(user, Map.of(name, 1));
        Ledger ledger = OmsServers.ledger();
        ledger.execute(
                "insert into events (subject, subject_id, version, type) values ('order', %d, 1, 'order.of_tomorrow')"
                        .formatted(order));
        ledger.execute("update orders set version = 1 where id = " + order);
        settling.settle(order);

        assertThat(events(order).getList("event")).isEqualTo(List.of("Placed", "Confirmed"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a\tb"})
    void rejectsInvalidActors(String actor) {
        long order = Shop.order(user, Map.of(name, 1));

        given().header("OMS-Actor", actor)
                .post("/orders/{id}/cancel", order)
                .then()
                .statusCode(400)
                .body("detail", matchesPattern("OMS-Actor must .*"));

        assertThat(events(order).getList("event")).isEqualTo(List.of("Placed"));
    }

    @Test
    void answers404ForAnUnknownOrder() {
        given().get("/orders/987654321000/events")
                .then()
                .statusCode(404)
                .body("detail", equalTo("There is no order 987654321000."));
    }

    @Test
    void listsTheAllowedChangesOfEachStatus() {
        Map<String, List<String>> allowed = given()
                .get("/order_statuses")
                .then()
                .statusCode(200)
                .extract()
                .jsonPath()
                .<Map<String, Object>>getList("")
                .stream()
                .collect(
                        java.util.stream.Collectors.toMap(row -> (String) row.get("status"), OrderEventsTest::allowed));

        assertThat(allowed)
                .hasSize(7)
                .containsEntry("Pending", List.of("Received", "Cancelled"))
                .containsEntry("Confirmed", List.of("OutForDelivery", "Delivered", "Cancelled"))
                .containsEntry("Delivered", List.of())
                .containsEntry("Cancelled", List.of());
    }

    @SuppressWarnings("unchecked") // JsonPath returns untyped values.
    private static List<String> allowed(Map<String, Object> row) {
        return (List<String>) row.get("allowed");
    }

    private static JsonPath events(long order) {
        return given().get("/orders/{id}/events", order)
                .then()
                .statusCode(200)
                .extract()
                .jsonPath();
    }
}
