package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

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
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Conditional writes, {@code If-Match}, and conditional reads, {@code If-None-Match}. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class ConditionalRequestTest {
    private static final long UNKNOWN_ID = 999_999_999_999L;

    private final Settling settling = new Settling();

    private final Ledger ledger = OmsServers.ledger();

    private long item;
    private long order;

    /** An order and an item at version 1. */
    @BeforeEach
    void setUp() {
        String name = Shop.uniqueName();
        item = Shop.item(name, 10, 0);
        order = Shop.order(Shop.user(), Map.of(name, 1));
        settling.settle(order);
    }

    @AfterEach
    void audit() {
        // Settles what a cancellation made due; otherwise other tests would mistake it for theirs.
        settling.settle(order);
        ledger.assertConsistent();
    }

    /** A change to a resource at version 1. */
    enum Change {
        ITEM("/inventory_items/{id}", "PUT", "{\"quantity\":5}"),
        STATUS("/orders/{id}/update_status", "PUT", "{\"status\":\"OutForDelivery\"}"),
        CANCEL_BY_STATUS("/orders/{id}/update_status", "PUT", "{\"status\":\"Cancelled\"}"),
        CANCEL("/orders/{id}/cancel", "POST", null);

        private final String path;
        private final String method;
        private final String body;

        Change(String path, String method, String body) {
            this.path = path;
            this.method = method;
            this.body = body;
        }

        Response send(long id, Object... tags) {
            var request = given();
            if (tags.length > 0) {
                request.header("If-Match", tags[0], java.util.Arrays.copyOfRange(tags, 1, tags.length));
            }
            if (body != null) {
                request.contentType(ContentType.JSON).body(body);
            }
            return request.request(method, path, id);
        }

        private String read() {
            return "/" + path.split("/")[1] + "/{id}";
        }
    }

    private long idFor(Change change) {
        return change == Change.ITEM ? item : order;
    }

    private record Attempt(Change change, List<String> tags) {}

    private static Stream<Attempt> attempts(List<List<String>> headers) {
        return Stream.of(Change.values()).flatMap(change -> headers.stream().map(tags -> new Attempt(change, tags)));
    }

    static Stream<Attempt> appliesAChangeToTheExpectedVersion() {
        return attempts(
                List.of(List.of(), List.of("\"1\""), List.of("*"), List.of("\"9\", \"1\""), List.of("\"9\"", "\"1\"")));
    }

    @ParameterizedTest
    @MethodSource
    void appliesAChangeToTheExpectedVersion(Attempt attempt) {
        Response changed =
                attempt.change().send(idFor(attempt.change()), attempt.tags().toArray());

        changed.then().statusCode(200).header("ETag", "\"2\"");
    }

    static Stream<Attempt> rejectsAChangeToAnotherVersion() {
        return attempts(List.of(List.of("\"0\""), List.of("W/\"1\""), List.of("\"01\", \"2\"")));
    }

    @ParameterizedTest
    @MethodSource
    void rejectsAChangeToAnotherVersion(Attempt attempt) {
        long id = idFor(attempt.change());

        Response refused = attempt.change().send(id, attempt.tags().toArray());

        refused.then()
                .statusCode(412)
                .contentType("application/problem+json")
                .body("title", equalTo("Precondition Failed"))
                .body("detail", containsString("\"1\""));
        given().get(attempt.change().read(), id).then().header("ETag", "\"1\"");
    }

    static Stream<Attempt> rejectsInvalidTags() {
        return attempts(List.of(List.of(""), List.of("1"), List.of("*", "\"1\""), List.of("\"1\"", "")));
    }

    @ParameterizedTest
    @MethodSource
    void rejectsInvalidTags(Attempt attempt) {
        long id = idFor(attempt.change());

        Response refused = attempt.change().send(id, attempt.tags().toArray());

        refused.then()
                .statusCode(400)
                .contentType("application/problem+json")
                .body("detail", containsString("If-Match"));
        given().get(attempt.change().read(), id).then().header("ETag", "\"1\"");
    }

    @Test
    void removesAnItemOnlyAtTheExpectedVersion() {
        given().header("If-Match", "\"0\"")
                .delete("/inventory_items/{id}", item)
                .then()
                .statusCode(412);
        given().get("/inventory_items/{id}", item).then().body("archived_at", nullValue());

        given().header("If-Match", "\"1\"")
                .delete("/inventory_items/{id}", item)
                .then()
                .statusCode(204);
    }

    @Test
    void rejectsAVersionOutdatedBySettling() {
        settleAnotherOf(item);

        Change.ITEM.send(item, "\"1\"").then().statusCode(412).body("detail", containsString("\"2\""));
        Change.ITEM.send(item, "\"2\"").then().statusCode(200).header("ETag", "\"3\"");
    }

    @Test
    void answers404BeforeCheckingTheVersion() {
        for (Change change : Change.values()) {
            change.send(UNKNOWN_ID, "*").then().statusCode(404);
            change.send(UNKNOWN_ID, "\"1\"").then().statusCode(404);
        }
    }

    @Test
    void answers412BeforeCheckingTheTransition() {
        Shop.update(order, "Delivered").then().statusCode(200);

        Change.CANCEL.send(order, "\"1\"").then().statusCode(412);
        Change.CANCEL.send(order, "\"2\"").then().statusCode(409);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"1\"", "W/\"1\"", "*", "\"0\", \"1\""})
    void answers304ForAVersionTheClientHas(String tags) {
        for (Response response : reads(tags)) {
            response.then().statusCode(304).header("ETag", "\"1\"");
            assertThat(response.asString()).isEmpty();
            assertThat(response.contentType()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"0\"", "W/\"0\"", "\"11\", \"10\""})
    void sendsAVersionTheClientDoesNotHave(String tags) {
        for (Response response : reads(tags)) {
            response.then().statusCode(200).header("ETag", "\"1\"");
            assertThat(response.jsonPath().getLong("id")).isIn(item, order);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "*, \"1\""})
    void rejectsInvalidTagsOnReads(String tags) {
        for (Response response : reads(tags)) {
            response.then().statusCode(400).body("detail", containsString("If-None-Match"));
        }
    }

    @Test
    void answers304ForAPageTheClientHas() {
        long user = given().get("/orders/{id}", order).jsonPath().getLong("user_id");
        for (String list : List.of(
                "/orders?user_id=" + user,
                "/users/" + user + "/orders",
                "/inventory_items?limit=2",
                "/inventory_items/" + item + "/movements",
                "/jobs/failed")) {
            String tag = given().get(list).header("ETag");

            Response response = given().header("If-None-Match", "\"0\", " + tag).get(list);

            assertThat(tag).as(list).matches("W/\"[\\w-]{16}\"");
            assertThat(response.statusCode()).as(list).isEqualTo(304);
            assertThat(response.header("ETag")).as(list).isEqualTo(tag);
            assertThat(response.asString()).as(list).isEmpty();
            given().header("If-None-Match", "0").get(list).then().statusCode(400);
        }
    }

    @Test
    void sendsAPageThatHasChanged() {
        String prefix = Shop.uniqueName();
        Shop.item(prefix + " 1", 1, 0);
        String list = "/inventory_items?limit=1&name=" + prefix;
        String tag = given().get(list).header("ETag");

        // The page has the same rows, but is not the last any more.
        Shop.item(prefix + " 2", 1, 0);
        Response response = given().header("If-None-Match", tag).get(list);
        response.then().statusCode(200).header("Link", containsString("rel=\"next\""));
        Shop.correct(response.jsonPath().getLong("[0].id"), 2).then().statusCode(200);
        given().header("If-None-Match", response.header("ETag"))
                .get(list)
                .then()
                .statusCode(200)
                .body("[0].quantity", equalTo(2));
    }

    @Test
    void answers404ForUnknownIds() {
        for (String path : List.of("/orders/{id}", "/inventory_items/{id}")) {
            given().header("If-None-Match", "*").get(path, UNKNOWN_ID).then().statusCode(404);
        }
    }

    private List<Response> reads(String tags) {
        return List.of(
                given().header("If-None-Match", tags).get("/orders/{id}", order),
                given().header("If-None-Match", tags).get("/inventory_items/{id}", item));
    }

    private void settleAnotherOf(long item) {
        String name = given().get("/inventory_items/{id}", item).jsonPath().getString("name");
        settling.settle(Shop.order(Shop.user(), Map.of(name, 1)));
    }

    /** A strong tag promises the same body, and an order's body has the names of its items. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void renamingAnItemLeavesItsOrdersAsTheyWere(boolean placedBeforeNamesWereKept) {
        if (placedBeforeNamesWereKept) {
            ledger.execute("update order_lines set item_name = null where order_id = " + order);
        }
        Response before = given().get("/orders/{id}", order);
        Object movement = given().get("/orders/{id}/movements", order).path("[0]");

        rename(item);

        Response after = given().get("/orders/{id}", order);
        assertThat(after.asString()).isEqualTo(before.asString());
        after.then().header("ETag", before.header("ETag"));
        assertThat(given().get("/orders/{id}/movements", order).<Object>path("[0]"))
                .isEqualTo(movement);
        given().header("If-None-Match", before.header("ETag"))
                .get("/orders/{id}", order)
                .then()
                .statusCode(304);
    }

    @Test
    void renamingAPopularItemLeavesItsOldOrdersAsTheyWere() {
        String name = Shop.uniqueName();
        long popular = Shop.item(name, 0, 0);
        // More than ChangeItem handles in one transaction.
        ledger.execute("""
                with o as (
                    insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                    select %d, 'Rejected', now(), now(), now() from generate_series(1, 4100) returning id)
                insert into order_lines (order_id, inventory_item_id, quantity) select id, %d, 1 from o
                """.formatted(Shop.user(), popular));

        rename(popular);

        assertThat(ledger.count(
                        "order_lines where inventory_item_id = %d and item_name = '%s'".formatted(popular, name)))
                .isEqualTo(4100);
    }

    @Test
    void aRenameAtAnotherVersionWritesNothing() {
        long item = Shop.item(Shop.uniqueName(), 0, 0);
        ledger.execute("""
                with o as (
                    insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                    values (%d, 'Rejected', now(), now(), now()) returning id)
                insert into order_lines (order_id, inventory_item_id, quantity) select id, %d, 1 from o
                """.formatted(Shop.user(), item));

        given().contentType(ContentType.JSON)
                .header("If-Match", "\"999\"")
                .body(Map.of("name", Shop.uniqueName()))
                .put("/inventory_items/{id}", item)
                .then()
                .statusCode(412);

        assertThat(ledger.count("order_lines where item_name is null and inventory_item_id = " + item))
                .isOne();
    }

    private static void rename(long id) {
        given().contentType(ContentType.JSON)
                .body(Map.of("name", Shop.uniqueName()))
                .put("/inventory_items/{id}", id)
                .then()
                .statusCode(200);
    }
}
