package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.not;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.http.ContentType;
import io.restassured.response.ValidatableResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Bad requests get a problem with the right status that says what is wrong and names no class, and nothing is written.
 */
@QuarkusTest
@WithTestResource(OmsServers.class)
class BadInputTest {
    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;
    private long item;
    private List<Long> before;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        name = Shop.uniqueName();
        item = Shop.item(name, 100, 0);
        ledger.awaitSettled();
        before = rows();
    }

    @AfterEach
    void nothingIsWritten() {
        assertThat(rows()).isEqualTo(before);
    }

    private List<Long> rows() {
        return List.of(
                ledger.count("users"),
                ledger.count("inventory_items"),
                ledger.count("orders"),
                ledger.count("order_lines"),
                ledger.count("stock_movements"),
                Long.valueOf(ledger.texts("select coalesce(sum(quantity), 0) from inventory_items")
                        .getFirst()));
    }

    private ValidatableResponse place(String body) {
        return post("/orders?user_id=" + user, body);
    }

    private static ValidatableResponse post(String path, String body) {
        return given().contentType(ContentType.JSON).body(body).post(path).then();
    }

    private static ValidatableResponse isProblem(ValidatableResponse response, int status) {
        return response.statusCode(status)
                .contentType("application/problem+json")
                .body("status", equalTo(status))
                .body("title", not(equalTo("")))
                .body("detail", not(containsString("dev.oms")))
                .body("detail", not(containsString("java.")));
    }

    private static void isInvalid(ValidatableResponse response, String field, String message) {
        isProblem(response, 422)
                .body("errors.field", hasItem(field))
                .body("errors.message", hasItem(containsString(message)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"items\":{\"burger\":1}",
                "{items:{}}",
                "not json",
                "{\"items\":{\"a\":1}} more",
                "{\"items\":{\"a\":01}}"
            })
    void malformedJson(String body) {
        isProblem(place(body), 400).body("detail", containsString("not valid JSON"));
    }

    @Test
    void noBody() {
        isProblem(
                given().contentType(ContentType.JSON)
                        .post("/orders?user_id=" + user)
                        .then(),
                400);
        isProblem(place("null"), 400);
        isProblem(place("[]"), 400);
        isProblem(place("\"order\""), 400);
    }

    @Test
    void duplicateKeys() {
        isProblem(place("{\"items\":{\"%s\":1,\"%s\":2}}".formatted(name, name)), 400)
                .body("detail", containsString("a field is repeated"));
        isProblem(place("{\"items\":{\"%s\":1},\"items\":{\"%s\":2}}".formatted(name, name)), 400);
        isProblem(post("/inventory_items", "{\"name\":\"a\",\"name\":\"b\",\"quantity\":1,\"threshold\":1}"), 400);
    }

    @Test
    void unknownFields() {
        isInvalid(place("{\"items\":{\"%s\":1},\"note\":\"hi\"}".formatted(name)), "note", "known");
        isInvalid(
                place("{\"order\":{\"items\":{\"%s\":1},\"status\":\"Confirmed\"}}".formatted(name)),
                "status",
                "known");
        isInvalid(post("/inventory_items", "{\"inventory_item\":{\"nme\":\"a\"}}"), "nme", "known");
        isInvalid(post("/users", "{\"user\":{\"admin\":true}}"), "admin", "known");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"order\":{}}", "{\"items\":{}}", "{\"order\":{\"items\":{}}}", "{\"items\":null}"})
    void noItems(String body) {
        isInvalid(place(body), "items", "must");
    }

    @Test
    void itemsNotAnObject() {
        isInvalid(place("{\"items\":[\"" + name + "\"]}"), "items", "must be an object");
        isInvalid(place("{\"items\":\"" + name + "\"}"), "items", "must be an object");
        isInvalid(place("{\"order\":7}"), "order", "must be an object");
    }

    @Test
    void bothWrappedAndBare() {
        isProblem(place("{\"order\":{\"items\":{\"%s\":1}},\"items\":{\"%s\":2}}".formatted(name, name)), 422);
    }

    @Test
    void tooManyItems() {
        String items = IntStream.rangeClosed(0, 100)
                .mapToObj(i -> "\"thing %d\":1".formatted(i))
                .collect(Collectors.joining(","));
        isInvalid(place("{\"items\":{" + items + "}}"), "items", "100");
    }

    @ParameterizedTest
    @CsvSource({
        "0, greater than",
        "-1, greater than",
        "1.5, whole number",
        "2.0, whole number",
        "1e2, whole number",
        "1000000000000, less than",
        "1000000001, less than",
        "null, null",
        "true, whole number",
        "'\"2.5\"', whole number",
        "{}, whole number"
    })
    void invalidQuantities(String quantity, String message) {
        isInvalid(place("{\"order\":{\"items\":{\"%s\":%s}}}".formatted(name, quantity)), "items." + name, message);
    }

    @Test
    void quantityBeyondALong() {
        isInvalid(place("{\"items\":{\"%s\":%s}}".formatted(name, "9".repeat(30))), "items." + name, "large");
        isProblem(place("{\"items\":{\"%s\":%s}}".formatted(name, "9".repeat(2000))), 400);
    }

    @Test
    void nameOfTenThousandCharacters() {
        String huge = "x".repeat(10_000);
        isProblem(place("{\"items\":{\"%s\":1}}".formatted(huge)), 422)
                .body("errors[0].message", equalTo("is not an item on sale"))
                .body("errors[0].field.length()", equalTo("items.".length() + 101));
        isInvalid(
                post(
                        "/inventory_items",
                        "{\"name\":\"%s\",\"quantity\":1,\"threshold\":1}".formatted("x".repeat(8_000))),
                "name",
                "255");
    }

    @Test
    void unknownNamesAreListed() {
        isProblem(
                        place("{\"items\":{\"%s\":1,\"no such thing\":1,\"nor \\u0000 this\":2,\"%s\":1}}"
                                .formatted(name, name.toUpperCase(java.util.Locale.ROOT))),
                        422)
                .body("errors.size()", equalTo(3))
                .body(
                        "errors.field",
                        hasItems(
                                "items.no such thing",
                                "items.nor \0 this",
                                "items." + name.toUpperCase(java.util.Locale.ROOT)));
    }

    @Test
    void unknownUser() {
        isProblem(post("/orders?user_id=999999999", "{\"items\":{\"%s\":1}}".formatted(name)), 404)
                .body("detail", containsString("user 999999999"));
        isProblem(given().get("/users/999999999").then(), 404);
        isProblem(given().get("/users/999999999/orders").then(), 404);
        isProblem(given().get("/orders?user_id=999999999").then(), 404);
    }

    @Test
    void missingOrConflictingUser() {
        isProblem(post("/orders", "{\"items\":{\"%s\":1}}".formatted(name)), 400)
                .body("detail", containsString("user_id"));
        isInvalid(place("{\"user_id\":%d,\"items\":{\"%s\":1}}".formatted(user + 1, name)), "user_id", "same");
        isInvalid(
                place("{\"user_id\":%d,\"order\":{\"items\":{\"%s\":1}}}".formatted(user + 1, name)),
                "user_id",
                "same");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/orders/one",
                "/orders/1.5",
                "/orders/99999999999999999999",
                "/orders?user_id=me",
                "/orders?after=x",
                "/orders?limit=0",
                "/orders?limit=101",
                "/orders?limit=ten",
                "/orders?status=Lost",
                "/orders?status=pending",
                "/users/me",
                "/users/me/orders",
                "/inventory_items/one",
                "/inventory_items/one/movements",
                "/inventory_items?below_threshold=maybe",
                "/inventory_items?out_of_stock=1"
            })
    void invalidParameters(String path) {
        isProblem(given().get(path).then(), 400);
    }

    @Test
    void unknownOrdersAndItems() {
        isProblem(given().get("/orders/999999999").then(), 404).body("detail", containsString("order 999999999"));
        isProblem(Shop.cancel(999_999_999).then(), 404);
        isProblem(Shop.update(999_999_999, "Received").then(), 404);
        isProblem(given().get("/inventory_items/999999999").then(), 404);
        isProblem(given().get("/inventory_items/999999999/movements").then(), 404);
        isProblem(Shop.correct(999_999_999, 1).then(), 404);
        isProblem(given().delete("/inventory_items/999999999").then(), 404);
    }

    @Test
    void unknownStatus() {
        isInvalid(
                given().contentType(ContentType.JSON)
                        .body(Map.of("status", "Lost"))
                        .put("/orders/1/update_status")
                        .then(),
                "status",
                "must be one of Pending, Received");
        isInvalid(
                given().contentType(ContentType.JSON)
                        .body("{\"status\":1}")
                        .put("/orders/1/update_status")
                        .then(),
                "status",
                "must be one of");
        isInvalid(
                given().contentType(ContentType.JSON)
                        .body("{}")
                        .put("/orders/1/update_status")
                        .then(),
                "status",
                "null");
    }

    @Test
    void wrongContentType() {
        isProblem(
                given().contentType("text/plain")
                        .body("{}")
                        .post("/orders?user_id=" + user)
                        .then(),
                415);
        isProblem(
                given().contentType("application/xml")
                        .body("<a/>")
                        .post("/inventory_items")
                        .then(),
                415);
    }

    /** If they were ignored, a write would be unconditional, or be made twice. */
    @ParameterizedTest
    @CsvSource({
        "POST, /inventory_items, Idempotency-Key",
        "POST, /users, Idempotency-Key",
        "POST, /orders, If-Match",
        "POST, /orders, If-None-Match",
        "POST, /orders/1/cancel, Idempotency-Key",
        "PUT, /orders/1/update_status, Idempotency-Key",
        "PUT, /inventory_items/1, If-None-Match",
        "POST, /inventory_items/1/adjust, If-Match",
        "DELETE, /inventory_items/1, Idempotency-Key",
        "DELETE, /jobs/failed/1, If-Match",
        "POST, /jobs/failed/retry, Idempotency-Key",
        "POST, /inventory_items/audit, Idempotency-Key"
    })
    void headersThatAreNotSupported(String method, String path, String header) {
        isProblem(given().header(header, "\"1\"").request(method, path).then(), 400)
                .body("detail", equalTo(header + " is not supported here: send the request without it."));
    }

    @Test
    void bodiesOverTheirLimit() {
        isProblem(place("{\"items\":{\"%s\":1}}%s".formatted(name, " ".repeat(160_000))), 413)
                .body("detail", equalTo("The body is larger than 156,424 bytes."));
        isProblem(post("/inventory_items", "{\"name\":\"%s\"}".formatted("x".repeat(8_200))), 413)
                .body("detail", equalTo("The body is larger than 8,192 bytes."));
    }

    @Test
    void unknownPathsAndMethods() {
        isProblem(given().get("/nowhere").then(), 404);
        isProblem(given().delete("/orders/1").then(), 405);
    }

    @Test
    void invalidItems() {
        isProblem(post("/inventory_items", "{\"inventory_item\":{}}"), 422)
                .body("errors.field", hasItems("name", "quantity", "threshold"));
        isInvalid(post("/inventory_items", "{\"name\":\" \",\"quantity\":1,\"threshold\":1}"), "name", "blank");
        isInvalid(
                post("/inventory_items", "{\"name\":\"a\\u0000\",\"quantity\":1,\"threshold\":1}"), "name", "control");
        isInvalid(post("/inventory_items", "{\"name\":\"a\",\"quantity\":-1,\"threshold\":1}"), "quantity", "0");
        isInvalid(post("/inventory_items", "{\"name\":\"a\",\"quantity\":1.5,\"threshold\":1}"), "quantity", "whole");
        isInvalid(post("/inventory_items", "{\"name\":\"a\",\"quantity\":1,\"threshold\":-1}"), "threshold", "0");
        isInvalid(post("/inventory_items", "{\"name\":7,\"quantity\":1,\"threshold\":1}"), "name", "string");
        isInvalid(
                post("/inventory_items", "{\"name\":\"%s\",\"quantity\":1,\"threshold\":1}".formatted(name)),
                "name",
                "taken");
    }

    @Test
    void invalidUsers() {
        isProblem(post("/users", "{}"), 422).body("errors.field", hasItems("name", "email", "phone"));
        isInvalid(post("/users", "{\"name\":\"A\",\"email\":\"nobody\",\"phone\":\"1234567890\"}"), "email", "email");
        isInvalid(post("/users", "{\"name\":\"A\",\"email\":\"a@b.c\",\"phone\":\"123456789\"}"), "phone", "10 digits");
        isInvalid(post("/users", "{\"name\":\"A\",\"email\":\"a@b.c\",\"phone\":1234567890}"), "phone", "string");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\\u200b",
                "\\u202e",
                "\\u2066",
                "\\ufeff",
                "\\u2028",
                "\\u3164",
                "\\u00ad",
                "\\udb40\\udc41",
                "\\u2800",
                "\\ue000",
                "\\u0378"
            })
    void invisibleCharactersInTexts(String invisible) {
        String text = "a" + invisible + "b";
        isInvalid(put("{\"quantity\":7,\"reason\":\"%s\"}".formatted(text)), "reason", "invisible");
        isInvalid(
                post("/users", "{\"name\":\"%s\",\"email\":\"a@b.c\",\"phone\":\"1234567890\"}".formatted(text)),
                "name",
                "invisible");
        isInvalid(
                post("/users", "{\"name\":\"A\",\"email\":\"%s@b.c\",\"phone\":\"1234567890\"}".formatted(text)),
                "email",
                "invisible");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // Nothing is left of these.
                "",
                " ",
                "\\u00a0\\u3000",
                "\\u200b",
                " \\u202e\\ufeff ",
                // These show nothing, or not the same everywhere, and are not ignorable to Unicode.
                "a\\u2028b",
                "a\\u2800",
                "a\\ue000b",
                "a\\u0378b",
                "a\\nb",
                "a\\u0000b"
            })
    void namesOfItems(String name) {
        isInvalid(
                post("/inventory_items", "{\"name\":\"%s\",\"quantity\":1,\"threshold\":1}".formatted(name)),
                "name",
                "invisible");
        isInvalid(put("{\"name\":\"%s\"}".formatted(name)), "name", "invisible");
        isProblem(place("{\"items\":{\"%s\":1}}".formatted(name)), 422)
                .body("errors.message", hasItem("is not an item on sale"));
    }

    private ValidatableResponse put(String body) {
        return given().contentType(ContentType.JSON)
                .body(body)
                .put("/inventory_items/{id}", item)
                .then();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"text/html", "text/html, application/json;q=0.5", "application/*", "image/png", "json", ";"})
    void jsonWhateverTheAcceptHeader(String accept) {
        given().header("Accept", accept)
                .get("/orders?limit=1")
                .then()
                .statusCode(200)
                .contentType(ContentType.JSON);
        isProblem(given().header("Accept", accept).get("/users/999999999").then(), 404);
    }

    /** The body of a GET has no meaning, so neither has its type. */
    @ParameterizedTest
    @ValueSource(strings = {"/", "text/xml", "application/json;;=", "multipart/form-data"})
    void aGetWhateverItsContentType(String type) throws IOException {
        for (String path : List.of("/events", "/orders", "/users/999999999")) {
            RawHttp.Response response =
                    exchange("GET " + path, "Content-Type: %s\r\nContent-Length: 2\r\n".formatted(type), "{}");

            assertThat(response.status()).as(path).isEqualTo(path.startsWith("/users") ? 404 : 200);
        }
    }

    /** Each character is one byte of the body. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"name\":\"bad\u00ff8\",\"quantity\":1,\"threshold\":0}",
                // Too long a form of a slash, half of a character, and a surrogate.
                "{\"name\":\"\u00c0\u00af\",\"quantity\":1,\"threshold\":0}",
                "{\"name\":\"\u00c3\",\"quantity\":1,\"threshold\":0}",
                "{\"name\":\"\u00ed\u00a0\u0080\",\"quantity\":1,\"threshold\":0}",
                // UTF-16, and UTF-32 with a code point beyond the last one.
                "\u00fe\u00ff\0{\0}",
                "{\0}\0",
                "{\0\0\0\1\0\u0017\0"
            })
    void bodiesThatAreNotUtf8(String body) throws IOException {
        String length = "Content-Length: %d\r\n".formatted(body.length());

        for (String type : List.of("application/json", "application/json; charset=utf-8")) {
            isProblem(
                    exchange("POST /inventory_items", "Content-Type: " + type + "\r\n" + length, body),
                    400,
                    "not UTF-8");
        }
        isProblem(
                exchange("POST /inventory_items?threshold=1", "Content-Type: application/json\r\n" + length, body),
                400,
                "not UTF-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"iso-8859-1", "UTF-16", "\"utf-16le\"", "nonsense"})
    void otherCharsets(String charset) throws IOException {
        isProblem(
                exchange(
                        "POST /inventory_items",
                        "Content-Type: application/json; charset=%s\r\nContent-Length: 2\r\n".formatted(charset),
                        "{}"),
                415,
                "utf-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"utf-8", "UTF-8", "\"utf-8\"", "utf8", "us-ascii"})
    void charsetsThatAreRead(String charset) throws IOException {
        isProblem(
                exchange(
                        "POST /inventory_items",
                        "Content-Type: application/json;charset=%s\r\nContent-Length: 2\r\n".formatted(charset),
                        "{}"),
                422,
                "name");
    }

    @Test
    void longNameEndingInNul() throws IOException {
        String body = "{\"name\":\"%s\\u0000\",\"quantity\":1,\"threshold\":1}".formatted("x".repeat(8_000));

        RawHttp.Response response = exchange(
                "POST /inventory_items",
                "Content-Type: application/json\r\nContent-Length: %d\r\n".formatted(body.length()),
                body);

        assertThat(response).as("response in time").isNotNull();
        assertThat(response.status()).isEqualTo(422);
        assertThat(response.text()).contains("control characters");
    }

    @Test
    void uriOrHeadersTooLong() throws IOException {
        isProblem(exchange("GET /orders?x=" + "x".repeat(8_000), "", ""), 414, "URI Too Long");
        isProblem(exchange("GET /orders", "X: " + "x".repeat(16_000) + "\r\n", ""), 431, "16000");
    }

    /** Quarkus would answer it without a body; in a native binary that is decided as it is built. */
    @Test
    void uriWithAnInvalidEscape() throws IOException {
        isProblem(exchange("GET /orders/%zz", "", ""), 400, "escape");
    }

    @Test
    void noHost() throws IOException {
        byte[] request = "GET /orders HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);

        isProblem(RawHttp.exchange(RestAssured.port, request, false, Duration.ofSeconds(10)), 400, "Bad Request");
    }

    private static RawHttp.Response exchange(String line, String headers, String body) throws IOException {
        String request = line + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body;
        return RawHttp.exchange(
                RestAssured.port, request.getBytes(StandardCharsets.ISO_8859_1), false, Duration.ofSeconds(10));
    }

    private static void isProblem(RawHttp.Response response, int status, String text) {
        assertThat(response.status()).isEqualTo(status);
        assertThat(response.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(response.text()).contains("\"status\":" + status, text).doesNotContain("vertx");
    }
}
