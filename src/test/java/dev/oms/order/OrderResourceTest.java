package dev.oms.order;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.job.Settling;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The life of an order over REST. Its stock is settled when a test does it. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class OrderResourceTest {
    private static final String TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,6})?Z";

    private final Settling settling = new Settling();

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;
    private long item;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        name = Shop.uniqueName();
        item = Shop.item(name, 10, 0);
    }

    @AfterEach
    void audit() {
        ledger.assertConsistent();
    }

    @Test
    void findsItemsHoweverTheirNamesAreWritten() {
        String cafe = "Caf\u00e9 " + name;
        Shop.item(cafe, 5, 0);

        Response placed = given().contentType(ContentType.JSON)
                .body(Map.of("items", Map.of(" Cafe\u0301\u00a0\u202e" + name + "\u200b ", 2)))
                .post("/orders?user_id=" + user);

        placed.then().statusCode(201).body("items", equalTo(Map.of(cafe, 2)));
        given().get("/orders/{id}", placed.jsonPath().getLong("id")).then().body("items", equalTo(Map.of(cafe, 2)));
        given().contentType(ContentType.JSON)
                .body("{\"items\":{\"%s\":1,\"%s\u200b\":2}}".formatted(name, name))
                .post("/orders?user_id=" + user)
                .then()
                .statusCode(422)
                .body("errors[0].field", equalTo("items." + name))
                .body("errors[0].message", equalTo("occurs more than once"));
    }

    @Test
    void namesTheItemsThatWereShort() {
        String scarce = Shop.uniqueName();
        String gone = Shop.uniqueName();
        String plenty = Shop.uniqueName();
        Shop.item(scarce, 2, 0);
        Shop.item(gone, 0, 0);
        Shop.item(plenty, 9, 0);
        long first = Shop.order(user, Map.of(scarce, 1));
        long rejected = Shop.order(user, Map.of(scarce, 2, gone, 1, plenty, 3));
        given().get("/orders/{id}", rejected).then().body("$", not(hasKey("short")));

        settling.settle(first, rejected);

        List<String> expected = List.of(scarce, gone).stream().sorted().toList();
        given().get("/orders/{id}", rejected)
                .then()
                .header("ETag", "\"1\"")
                .body("status", equalTo("Rejected"))
                .body("short", equalTo(expected));
        given().get("/orders/{id}", first).then().body("$", not(hasKey("short")));
        given().get("/users/{id}/orders", user).then().body("short", equalTo(Arrays.asList(expected, null)));
        // Cancelling it does not change why it was rejected.
        Shop.cancel(rejected).then().statusCode(200).body("short", equalTo(expected));
    }

    @Test
    void listsAnOrdersMovements() {
        String other = Shop.uniqueName();
        long second = Shop.item(other, 5, 0);
        long order = Shop.order(user, Map.of(name, 2, other, 1));
        given().get("/orders/{id}/movements", order).then().statusCode(200).body("size()", equalTo(0));

        settling.settle(order);
        Shop.cancel(order);
        settling.settle(order);

        given().get("/orders/{id}/movements", order)
                .then()
                .statusCode(200)
                .body("kind", equalTo(List.of("DEDUCTION", "DEDUCTION", "RESTORATION", "RESTORATION")))
                .body("item", equalTo(List.of(name, other, name, other)))
                .body("inventory_item_id", equalTo(List.of((int) item, (int) second, (int) item, (int) second)))
                .body("delta", equalTo(List.of(-2, -1, 2, 1)))
                .body("quantity_after", equalTo(List.of(8, 4, 10, 5)))
                .body("order_id", equalTo(Collections.nCopies(4, (int) order)))
                .body(
                        "[0].keySet().sort()",
                        equalTo(List.of(
                                "created_at",
                                "delta",
                                "id",
                                "inventory_item_id",
                                "item",
                                "kind",
                                "order_id",
                                "quantity_after",
                                "reason")));
        given().get("/orders/999999999999/movements").then().statusCode(404);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'order':{'items':{'%s':2}}}",
                "{'items':{'%s':2}}",
                "{'user_id':%d,'order':{'items':{'%s':2}}}",
                "{'user_id':%d,'items':{'%s':2}}",
                "{'order':{'user_id':%d,'items':{'%s':2}}}"
            })
    void acceptsEveryFormOfBody(String template) {
        boolean hasUser = template.contains("user_id");
        String body = (hasUser ? template.formatted(user, name) : template.formatted(name)).replace('\'', '"');

        Response response =
                given().contentType(ContentType.JSON).body(body).post(hasUser ? "/orders" : "/orders?user_id=" + user);

        long id = response.jsonPath().getLong("id");
        response.then()
                .statusCode(201)
                .contentType(ContentType.JSON)
                .header("Location", endsWith("/orders/" + id))
                .header("ETag", "\"0\"")
                .body(
                        "keySet().sort()",
                        equalTo(List.of("created_at", "id", "items", "status", "updated_at", "user_id")))
                .body("user_id", equalTo((int) user))
                .body("status", equalTo("Pending"))
                .body("items", equalTo(Map.of(name, 2)))
                .body("created_at", matchesPattern(TIME))
                .body("updated_at", matchesPattern(TIME));
        given().get("/orders/{id}", id)
                .then()
                .statusCode(200)
                .header("ETag", "\"0\"")
                .body("", equalTo(response.jsonPath().getMap("")));
    }

    @Test
    void confirmsOrdersWhileStockLasts() {
        long first = Shop.order(user, Map.of(name, 7));
        long second = Shop.order(user, Map.of(name, 4));
        long third = Shop.order(user, Map.of(name, 3));

        settling.settle(first, second, third);

        assertThat(Shop.status(first)).isEqualTo("Confirmed");
        assertThat(Shop.status(second)).isEqualTo("Rejected");
        assertThat(Shop.status(third)).isEqualTo("Confirmed");
        assertThat(Shop.quantity(item)).isZero();
    }

    @Test
    void deductsAllLinesOrNone() {
        String scarce = Shop.uniqueName();
        Shop.item(scarce, 1, 0);
        long order = Shop.order(user, Map.of(name, 1, scarce, 2));

        settling.settle(order);

        assertThat(Shop.status(order)).isEqualTo("Rejected");
        assertThat(Shop.quantity(item)).isEqualTo(10);
    }

    @Test
    void movesFromPlacementToDelivery() {
        long order = Shop.order(user, Map.of(name, 1));

        assertThat(Shop.update(order, "Received").statusCode()).isEqualTo(200);
        settling.settle(order);
        assertThat(Shop.status(order)).isEqualTo("Confirmed");
        assertThat(Shop.update(order, "OutForDelivery").jsonPath().getString("status"))
                .isEqualTo("OutForDelivery");
        Response delivered = Shop.update(order, "Delivered");

        // Placed, received, settled, out for delivery, delivered: each is a version.
        delivered.then().statusCode(200).header("ETag", "\"4\"").body("status", equalTo("Delivered"));
    }

    @ParameterizedTest
    @CsvSource({
        "Pending, Confirmed, 'Received, Cancelled'",
        "Pending, Delivered, 'Received, Cancelled'",
        "Received, Pending, 'Cancelled'",
        "Confirmed, Received, 'OutForDelivery, Delivered, Cancelled'",
        "OutForDelivery, Confirmed, 'Delivered, Cancelled'",
        "Delivered, OutForDelivery, ''",
        "Delivered, Cancelled, ''",
        "Rejected, Confirmed, 'Cancelled'",
        "Cancelled, Pending, ''"
    })
    void rejectsForbiddenTransitionsAndListsAllowedOnes(String from, String to, String allowed) {
        long order = orderWithStatus(from);

        Response response = Shop.update(order, to);

        response.then()
                .statusCode(409)
                .contentType("application/problem+json")
                .body("detail", containsString(from))
                .body("allowed", equalTo(allowed.isEmpty() ? List.of() : List.of(allowed.split(", "))));
        assertThat(Shop.status(order)).isEqualTo(from);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Pending", "Received", "Confirmed", "OutForDelivery", "Delivered", "Rejected", "Cancelled"})
    void treatsTheCurrentStatusAsNoChange(String status) {
        long order = orderWithStatus(status);
        String tag = given().get("/orders/{id}", order).header("ETag");

        Response response = Shop.update(order, status);

        response.then().statusCode(200).header("ETag", tag).body("status", equalTo(status));
    }

    @ParameterizedTest
    @CsvSource({
        "Pending, false",
        "Received, false",
        "Confirmed, true",
        "OutForDelivery, true",
        "Rejected, false",
        "Cancelled, false"
    })
    void cancelsAndRestoresDeductedStock(String from, boolean restores) {
        long order = orderWithStatus(from);
        long taken = restores ? 10 - Shop.quantity(item) : 0;

        Response response = from.equals("Received") ? Shop.update(order, "Cancelled") : Shop.cancel(order);
        settling.settle(order);
        settling.settle(order);

        response.then().statusCode(200).body("status", equalTo("Cancelled"));
        assertThat(taken).isEqualTo(restores ? 1 : 0);
        assertThat(Shop.quantity(item)).isEqualTo(10);
        assertThat(ledger.count("stock_movements where kind = 'RESTORATION' and order_id = " + order))
                .isEqualTo(restores ? 1 : 0);
        // Cancelling again changes nothing and restores nothing.
        Shop.cancel(order).then().statusCode(200);
        settling.settle(order);
        assertThat(Shop.quantity(item)).isEqualTo(10);
    }

    @Test
    void rejectsCancellingADeliveredOrder() {
        long order = orderWithStatus("Delivered");

        Shop.cancel(order).then().statusCode(409).body("detail", containsString("Delivered"));

        assertThat(Shop.quantity(item)).isEqualTo(9);
    }

    @Test
    void listsNewestFirstPageByPage() {
        List<Long> placed = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            placed.addFirst(Shop.order(user, Map.of(name, 1)));
        }
        settling.settle(placed.stream().mapToLong(Long::longValue).toArray());
        for (int i = 0; i < 20; i++) {
            placed.addFirst(Shop.order(user, Map.of(name, 1)));
        }

        List<Long> seen = new ArrayList<>();
        String next = "/users/" + user + "/orders?limit=10";
        int pages = 0;
        while (next != null) {
            Response page = given().urlEncodingEnabled(false).get(next);
            seen.addAll(page.then().statusCode(200).extract().jsonPath().getList("id", Long.class));
            String link = page.header("Link");
            next = link == null ? null : link.substring(1, link.indexOf('>'));
            pages++;
        }

        assertThat(seen).isEqualTo(placed);
        assertThat(pages).isEqualTo(3);
        assertThat(given().get("/orders?limit=100&user_id=" + user).jsonPath().getList("id", Long.class))
                .isEqualTo(placed);
        assertThat(given().get("/orders?status=Confirmed&user_id=" + user)
                        .jsonPath()
                        .getList("id", Long.class))
                .isEqualTo(placed.subList(20, 25));
        assertThat(given().get("/orders?limit=1").jsonPath().getList("id", Long.class))
                .isEqualTo(placed.subList(0, 1));
    }

    @Test
    void aUserWithoutOrdersHasAnEmptyList() {
        given().get("/users/{id}/orders", user).then().statusCode(200).body("size()", equalTo(0));
    }

    private long orderWithStatus(String status) {
        if (status.equals("Rejected")) {
            long order = Shop.order(user, Map.of(name, 11));
            settling.settle(order);
            return order;
        }
        long order = Shop.order(user, Map.of(name, 1));
        switch (status) {
            case "Pending" -> {}
            case "Received" -> Shop.update(order, "Received");
            case "Cancelled" -> Shop.cancel(order);
            default -> {
                settling.settle(order);
                if (status.equals("OutForDelivery") || status.equals("Delivered")) {
                    Shop.update(order, status);
                }
            }
        }
        assertThat(Shop.status(order)).isEqualTo(status);
        return order;
    }

    /** Its item got its name before such characters were refused. */
    @Test
    void anItemWithARefusedCharacterInItsNameStaysOnSale() {
        String old = name + "\u2800";
        ledger.execute("update inventory_items set name = '%s' where id = %d".formatted(old, item));

        long order = Shop.order(user, Map.of(old, 2));
        settling.settle(order);

        given().get("/orders/{id}", order)
                .then()
                .statusCode(200)
                .body("status", equalTo("Confirmed"))
                .body("items", equalTo(Map.of(old, 2)));
        assertThat(given().queryParam("name", old)
                        .get("/inventory_items")
                        .jsonPath()
                        .getList("id", Long.class))
                .containsExactly(item);
        Shop.correct(item, 3).then().statusCode(200).body("name", equalTo(old));
        given().contentType(ContentType.JSON)
                .body(Map.of("name", name))
                .put("/inventory_items/{id}", item)
                .then()
                .statusCode(200)
                .body("name", equalTo(name));
    }
}
