package dev.oms.inventory;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.endsWith;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Items and their ledger over REST. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class InventoryItemResourceTest {
    private final Settling settling = new Settling();

    private final Ledger ledger = OmsServers.ledger();

    @AfterEach
    void audit() {
        ledger.assertConsistent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'inventory_item':{'name':'%s','quantity':20,'threshold':5}}",
                "{'name':'%s','quantity':20,'threshold':5}"
            })
    void addsAnItemWithItsOpeningStock(String template) {
        String name = Shop.uniqueName();

        Response response = given().contentType(ContentType.JSON)
                .body(template.formatted(name).replace('\'', '"'))
                .post("/inventory_items");

        long id = response.jsonPath().getLong("id");
        response.then()
                .statusCode(201)
                .header("Location", endsWith("/inventory_items/" + id))
                .header("ETag", "\"0\"")
                .body(
                        "keySet().sort()",
                        equalTo(List.of("created_at", "id", "name", "quantity", "threshold", "updated_at")))
                .body("name", equalTo(name))
                .body("quantity", equalTo(20))
                .body("threshold", equalTo(5));
        given().get("/inventory_items/{id}", id)
                .then()
                .statusCode(200)
                .header("ETag", "\"0\"")
                .body("", equalTo(response.jsonPath().getMap("")));
        given().get("/inventory_items/{id}/movements", id)
                .then()
                .statusCode(200)
                .body("size()", equalTo(1))
                .body("[0].kind", equalTo("OPENING"))
                .body("[0].delta", equalTo(20))
                .body("[0].quantity_after", equalTo(20));
    }

    @Test
    void changesAnyPartOfAnItem() {
        String name = Shop.uniqueName();
        long id = Shop.item(name, 10, 1);
        String renamed = Shop.uniqueName();

        change(id, Map.of("name", renamed))
                .then()
                .statusCode(200)
                .body("name", equalTo(renamed))
                .body("quantity", equalTo(10));
        change(id, Map.of("threshold", 7))
                .then()
                .statusCode(200)
                .body("threshold", equalTo(7))
                .body("name", equalTo(renamed));
        change(id, Map.of("inventory_item", Map.of("quantity", 4, "reason", "counted")))
                .then()
                .statusCode(200)
                .header("ETag", "\"3\"")
                .body("quantity", equalTo(4));
        change(id, Map.of("quantity", 4, "name", renamed, "threshold", 7))
                .then()
                .statusCode(200)
                .header("ETag", "\"3\"");

        given().get("/inventory_items/{id}/movements", id)
                .then()
                .body("kind", equalTo(List.of("CORRECTION", "OPENING")))
                .body("delta", equalTo(List.of(-6, 10)))
                .body("reason[0]", equalTo("counted"));
    }

    @Test
    void findsItemsByTheBeginningOfTheirNameInAnyCase() {
        String start = "Ülk 10%_\\ " + Shop.uniqueName();
        Shop.item(start + " Burger", 10, 0);
        Shop.item(start.toUpperCase(Locale.ROOT) + " bun", 1, 2);
        Shop.item(start, 3, 0);

        assertThat(namesFoundBy(start.toUpperCase(Locale.ROOT)))
                .containsExactly(start + " Burger", start.toUpperCase(Locale.ROOT) + " bun", start);
        assertThat(namesFoundBy(start + " bu"))
                .containsExactly(start + " Burger", start.toUpperCase(Locale.ROOT) + " bun");
        assertThat(namesFoundBy(start.substring(1))).isEmpty();
        assertThat(namesFoundBy(start.replace('%', 'x'))).isEmpty();
        assertThat(namesFoundBy(start.replace('_', 'x'))).isEmpty();
    }

    private static List<String> namesFoundBy(String prefix) {
        return given().queryParam("name", prefix)
                .get("/inventory_items")
                .then()
                .statusCode(200)
                .extract()
                .jsonPath()
                .getList("name");
    }

    @Test
    void adjustsAnItemThatWasSoldMeanwhile() {
        String name = Shop.uniqueName();
        long id = Shop.item(name, 10, 1);
        settling.settle(Shop.order(Shop.user(), Map.of(name, 4)));

        adjust(id, Map.of("delta", -3, "reason", "damaged"))
                .then()
                .statusCode(200)
                .header("ETag", "\"2\"")
                .body("quantity", equalTo(3))
                .body("name", equalTo(name));
        adjust(id, Map.of("delta", 24, "reason", "delivered", "reference", "note 4711"))
                .then()
                .statusCode(200)
                .header("ETag", "\"3\"")
                .body("quantity", equalTo(27));

        given().get("/inventory_items/{id}", id).then().header("ETag", "\"3\"").body("quantity", equalTo(27));
        given().get("/inventory_items/{id}/movements", id)
                .then()
                .body("kind", equalTo(List.of("CORRECTION", "CORRECTION", "DEDUCTION", "OPENING")))
                .body("delta", equalTo(List.of(24, -3, -4, 10)))
                .body("quantity_after", equalTo(List.of(27, 3, 6, 10)))
                .body("reason[0]", equalTo("delivered"))
                .body("reference[0]", equalTo("note 4711"))
                .body("reason[1]", equalTo("damaged"))
                .body("reference[1]", nullValue());
    }

    @Test
    void keepsWhoChangedTheQuantity() {
        long id = given().contentType(ContentType.JSON)
                .header("OMS-Actor", "opener")
                .body(Map.of("name", Shop.uniqueName(), "quantity", 5, "threshold", 0))
                .post("/inventory_items")
                .jsonPath()
                .getLong("id");
        given().contentType(ContentType.JSON)
                .header("OMS-Actor", "counter")
                .body(Map.of("quantity", 4))
                .put("/inventory_items/{id}", id);
        given().contentType(ContentType.JSON)
                .header("OMS-Actor", "adjuster")
                .body(Map.of("delta", 1, "reason", "found"))
                .post("/inventory_items/{id}/adjust", id);
        adjust(id, Map.of("delta", 1, "reason", "found"));

        given().get("/inventory_items/{id}/movements", id)
                .then()
                .body("actor", equalTo(List.of("api", "adjuster", "counter", "opener")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            {'delta':-6,'reason':'lost'}         | delta  | must not lower the quantity, 5, below 0
            {'delta':999999996,'reason':'found'} | delta  | must not raise the quantity, 5, above 1000000000
            {'delta':0,'reason':'none'}          | delta  | must not be 0
            {'reason':'lost'}                    | delta  | must not be null
            {'delta':1.5,'reason':'found'}       | delta  | must be a whole number
            {'delta':1000000001,'reason':'lost'} | delta  | must be less than or equal to 1000000000
            {'delta':1}                          | reason | must not be null
            {'delta':1,'reason':' '}             | reason | must not be blank, contain invisible or control characters, or have a space other than U+0020 at an end
            {'delta':1,'reason':'a','reference':''} | reference | must not be blank, contain invisible or control characters, or have a space other than U+0020 at an end
            """)
    void refusesAnAdjustment(String body, String field, String message) {
        long id = Shop.item(Shop.uniqueName(), 5, 0);

        given().contentType(ContentType.JSON)
                .body(body.replace('\'', '"'))
                .post("/inventory_items/{id}/adjust", id)
                .then()
                .statusCode(422)
                .body("errors.field", equalTo(List.of(field)))
                .body("errors.message", equalTo(List.of(message)));

        given().get("/inventory_items/{id}", id).then().header("ETag", "\"0\"").body("quantity", equalTo(5));
    }

    @Test
    void adjustsToNothing() {
        long id = Shop.item(Shop.uniqueName(), 5, 0);

        adjust(id, Map.of("delta", -5, "reason", "lost")).then().statusCode(200).body("quantity", equalTo(0));
        adjust(id, Map.of("delta", 1_000_000_000, "reason", "found"))
                .then()
                .statusCode(200)
                .body("quantity", equalTo(1_000_000_000));
    }

    @Test
    void namesThatLookTheSameAreTheSame() {
        String name = "Caf\u00e9 " + Shop.uniqueName();
        String written = " " + name.replace("\u00e9", "e\u0301\u200b").replace(" ", "\u00a0") + "\u202e\u3000";
        long id = given().contentType(ContentType.JSON)
                .body(Map.of("name", written, "quantity", 1, "threshold", 0))
                .post("/inventory_items")
                .then()
                .statusCode(201)
                .body("name", equalTo(name))
                .extract()
                .jsonPath()
                .getLong("id");

        given().queryParam("name", written).get("/inventory_items").then().body("id", equalTo(List.of((int) id)));
        given().contentType(ContentType.JSON)
                .body(Map.of("name", name + "\ufe0f", "quantity", 1, "threshold", 0))
                .post("/inventory_items")
                .then()
                .statusCode(422)
                .body("errors[0].message", equalTo("is already taken"));
        // No renaming.
        change(id, Map.of("name", written)).then().statusCode(200).header("ETag", "\"0\"");
    }

    @Test
    void acceptsEveryQuantityThatItShows() {
        String name = Shop.uniqueName();
        long id = Shop.item(name, 1_000_000_000, 0);
        long order = Shop.order(Shop.user(), Map.of(name, 1_000_000_000));
        settling.settle(order);
        change(id, Map.of("quantity", 1_000_000_000)).then().statusCode(200);
        Shop.cancel(order);
        settling.settle(order);
        assertThat(Shop.quantity(id)).isEqualTo(2_000_000_000);

        change(id, Map.of("quantity", 2_000_000_000, "threshold", 5))
                .then()
                .statusCode(200)
                .body("threshold", equalTo(5));
        change(id, Map.of("quantity", 1_999_999_999)).then().statusCode(200);
        adjust(id, Map.of("delta", -9, "reason", "lost")).then().statusCode(200);

        // Not higher, and neither than the limit otherwise.
        change(id, Map.of("quantity", 2_000_000_000))
                .then()
                .statusCode(422)
                .body("errors.field", equalTo(List.of("quantity")))
                .body("errors.message", equalTo(List.of("must be less than or equal to 1000000000")));
        adjust(id, Map.of("delta", 1, "reason", "found")).then().statusCode(422);
        assertThat(Shop.quantity(id)).isEqualTo(1_999_999_990);
        change(id, Map.of("quantity", 1_000_000_000)).then().statusCode(200);
        change(id, Map.of("quantity", 1_000_000_001)).then().statusCode(422);
    }

    @Test
    void findsAnItemByName() {
        String name = Shop.uniqueName();
        long id = Shop.item(name, 1, 0);

        given().queryParam("name", name)
                .get("/inventory_items")
                .then()
                .statusCode(200)
                .body("id", equalTo(List.of((int) id)));
        for (String unknown : List.of(name + "x", "a\0b")) {
            given().queryParam("name", unknown)
                    .get("/inventory_items")
                    .then()
                    .statusCode(200)
                    .body("size()", equalTo(0));
        }
    }

    @Test
    void listsLowStockFirstPageByPage() {
        // Lower than any item of another test, except some of the fuzzer's.
        long[] ids = new long[5];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = Shop.item(Shop.uniqueName(), i == 4 ? 3 : 0, 900_000_000 - (i % 2));
        }

        List<Integer> found = new ArrayList<>();
        String next = "/inventory_items?sort=low_stock&limit=2";
        while (next != null && found.size() < ids.length) {
            Response page = given().urlEncodingEnabled(false).get(next);
            page.then().statusCode(200);
            page.jsonPath().getList("id", Integer.class).stream()
                    .filter(id -> LongStream.of(ids).anyMatch(own -> own == id))
                    .forEach(found::add);
            String link = page.header("Link");
            next = link == null ? null : link.replaceAll("^<|>.*$", "");
        }

        assertThat(found).containsExactly((int) ids[0], (int) ids[2], (int) ids[1], (int) ids[3], (int) ids[4]);
        for (long id : ids) {
            given().delete("/inventory_items/{id}", id).then().statusCode(204);
        }
    }

    @Test
    void rejectsAnUnknownSort() {
        given().get("/inventory_items?sort=name")
                .then()
                .statusCode(400)
                .body("detail", equalTo("sort must be one of [id, low_stock], not 'name'."));
    }

    @Test
    void rejectsANameThatIsTaken() {
        String name = Shop.uniqueName();
        Shop.item(name, 1, 0);
        long other = Shop.item(Shop.uniqueName(), 1, 0);

        change(other, Map.of("name", name, "quantity", 5))
                .then()
                .statusCode(422)
                .body("errors[0].field", equalTo("name"));

        assertThat(Shop.quantity(other)).isEqualTo(1);
    }

    @Test
    void deletesAnItemThatWasNeverOrdered() {
        long id = Shop.item(Shop.uniqueName(), 1, 0);

        given().delete("/inventory_items/{id}", id).then().statusCode(204);

        given().get("/inventory_items/{id}", id).then().statusCode(404);
        given().get("/inventory_items/{id}/movements", id).then().statusCode(404);
        assertThat(ledger.count("inventory_items where id = " + id)).isZero();
    }

    @Test
    void archivesAnItemThatAnOrderRefersTo() {
        long user = Shop.user();
        String name = Shop.uniqueName();
        long id = Shop.item(name, 5, 0);
        long order = Shop.order(user, Map.of(name, 2));

        given().delete("/inventory_items/{id}", id).then().statusCode(204);

        given().get("/inventory_items/{id}", id).then().statusCode(404);
        given().delete("/inventory_items/{id}", id).then().statusCode(404);
        change(id, Map.of("quantity", 1)).then().statusCode(404);
        adjust(id, Map.of("delta", 1, "reason", "found")).then().statusCode(404);
        given().contentType(ContentType.JSON)
                .body(Map.of("items", Map.of(name, 1)))
                .post("/orders?user_id=" + user)
                .then()
                .statusCode(422);
        // The accepted order keeps the item's name and gets its stock, and the name is free for another item.
        settling.settle(order);
        given().get("/orders/{id}", order)
                .then()
                .body("status", equalTo("Confirmed"))
                .body("items", equalTo(Map.of(name, 2)));
        given().get("/inventory_items/{id}/movements", id)
                .then()
                .statusCode(200)
                .body("delta", equalTo(List.of(-2, 5)));
        Shop.item(name, 1, 0);
    }

    @Test
    void listsItemsOnSalePageByPage() {
        long first = Shop.item(Shop.uniqueName(), 1, 0);
        long low = Shop.item(Shop.uniqueName(), 1, 2);
        long atThreshold = Shop.item(Shop.uniqueName(), 2, 2);
        long gone = Shop.item(Shop.uniqueName(), 1, 2);
        given().delete("/inventory_items/{id}", gone);

        Response page = given().get("/inventory_items?limit=2&after=" + (first - 1));
        Response rest =
                given().urlEncodingEnabled(false).get(page.header("Link").replaceAll("^<|>.*", ""));
        long out = Shop.item(Shop.uniqueName(), 0, 0);
        Response belowThreshold = given().get("/inventory_items?below_threshold=true&after=" + (first - 1));
        Response outOfStock = given().get("/inventory_items?out_of_stock=true&after=" + (first - 1));

        assertThat(page.jsonPath().getList("id", Long.class)).containsExactly(first, low);
        assertThat(page.header("Link")).endsWith("; rel=\"next\"");
        assertThat(rest.jsonPath().getList("id", Long.class)).containsExactly(atThreshold);
        assertThat(rest.header("Link")).isNull();
        assertThat(belowThreshold.jsonPath().getList("id", Long.class)).containsExactly(low);
        assertThat(outOfStock.jsonPath().getList("id", Long.class)).containsExactly(out);
    }

    private static Response adjust(long id, Map<String, ?> body) {
        return given().contentType(ContentType.JSON).body(body).post("/inventory_items/{id}/adjust", id);
    }

    private static Response change(long id, Map<String, ?> body) {
        return given().contentType(ContentType.JSON).body(body).put("/inventory_items/{id}", id);
    }
}
