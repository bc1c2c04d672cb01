package dev.oms;

import static io.restassured.RestAssured.given;
import static org.awaitility.Awaitility.await;

import io.restassured.http.ContentType;
import io.restassured.path.json.JsonPath;
import io.restassured.response.Response;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** REST calls that many tests share. Every name is unique, so that tests need not clean up after each other. */
public final class Shop {
    private static final AtomicLong NEXT = new AtomicLong(System.nanoTime());

    private Shop() {}

    public static String uniqueName() {
        return "thing " + NEXT.incrementAndGet();
    }

    public static String uniquePhone() {
        return "%010d".formatted(NEXT.incrementAndGet() % 10_000_000_000L);
    }

    /** Creates a user and returns its id. */
    public static long user() {
        return given().contentType(ContentType.JSON)
                .body(Map.of(
                        "name", "Somebody", "email", NEXT.incrementAndGet() + "@example.com", "phone", uniquePhone()))
                .post("/users")
                .then()
                .statusCode(201)
                .extract()
                .jsonPath()
                .getLong("id");
    }

    /** Creates an item and returns its id. */
    public static long item(String name, long quantity, long threshold) {
        return given().contentType(ContentType.JSON)
                .body(Map.of("name", name, "quantity", quantity, "threshold", threshold))
                .post("/inventory_items")
                .then()
                .statusCode(201)
                .extract()
                .jsonPath()
                .getLong("id");
    }

    public static long quantity(long itemId) {
        return given().get("/inventory_items/{id}", itemId)
                .then()
                .statusCode(200)
                .extract()
                .jsonPath()
                .getLong("quantity");
    }

    public static Response correct(long itemId, long quantity) {
        return given().contentType(ContentType.JSON)
                .body(Map.of("quantity", quantity))
                .put("/inventory_items/{id}", itemId);
    }

    /** Places an order and returns its id. */
    public static long order(long userId, Map<String, ?> items) {
        return given().contentType(ContentType.JSON)
                .queryParam("user_id", userId)
                .body(Map.of("order", Map.of("items", items)))
                .post("/orders")
                .then()
                .statusCode(201)
                .extract()
                .jsonPath()
                .getLong("id");
    }

    public static Response update(long orderId, String status) {
        return given().contentType(ContentType.JSON)
                .body(Map.of("status", status))
                .put("/orders/{id}/update_status", orderId);
    }

    public static Response cancel(long orderId) {
        return given().post("/orders/{id}/cancel", orderId);
    }

    public static String status(long orderId) {
        return given().get("/orders/{id}", orderId)
                .then()
                .statusCode(200)
                .extract()
                .jsonPath()
                .getString("status");
    }

    /** Waits until the consumer has confirmed or rejected an order, and returns its status. */
    public static String settled(long orderId) {
        return await().atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> status(orderId), status -> status.equals("Confirmed") || status.equals("Rejected"));
    }

    /** Asks for an audit and returns its id. */
    public static long requestAudit() {
        PackagedWorker.startAuditor();
        return given().post("/inventory_items/audit")
                .then()
                .statusCode(202)
                .extract()
                .jsonPath()
                .getLong("id");
    }

    /** Waits until an audit, or a later one, has ended; returns the last one. */
    public static JsonPath awaitAudit(long id) {
        return await().atMost(Duration.ofSeconds(120))
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () -> given().get("/inventory_items/audit")
                                .then()
                                .statusCode(200)
                                .contentType(ContentType.JSON)
                                .extract()
                                .jsonPath(),
                        audit -> audit.get("id") != null && audit.getLong("id") >= id);
    }
}
