package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.path.json.JsonPath;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sends what an unchanged client of the Rails service sends, to the letter. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class RailsClientTest {
    private static final String JSON = "application/json";
    private static final String FORM = "application/x-www-form-urlencoded";

    private static HttpClient client;

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String burger;
    private String fries;
    private long item;

    @BeforeAll
    static void connect() {
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    }

    @AfterAll
    static void disconnect() {
        client.close();
    }

    @BeforeEach
    void setUp() {
        user = Shop.user();
        burger = Shop.uniqueName();
        fries = Shop.uniqueName();
        item = Shop.item(burger, 100, 5);
        Shop.item(fries, 100, 5);
    }

    private static HttpResponse<String> send(String method, String target, String type, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://localhost:" + RestAssured.port + target))
                .timeout(Duration.ofSeconds(30))
                .method(
                        method,
                        body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (type != null) {
            request.header("Content-Type", type);
        }
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(method + " " + target + " got no response", e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonPath json(HttpResponse<String> response, int status) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        return JsonPath.from(response.body());
    }

    /** A 422 for one field, or any problem for an empty one. */
    private static void isRefused(HttpResponse<String> response, int status, String field, String message) {
        JsonPath problem = json(response, status);
        assertThat(problem.getString("error")).contains(field).contains(message);
        if (status == 422 && !field.isEmpty()) {
            assertThat(problem.getList("errors.field")).contains(field);
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private Map<String, Integer> items(HttpResponse<String> order) {
        return json(order, 201).getMap("items");
    }

    private static String multipart(String... namesAndValues) {
        StringBuilder body = new StringBuilder();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            body.append("--AaB03x\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
                    .formatted(namesAndValues[i], namesAndValues[i + 1]));
        }
        return body.append("--AaB03x--\r\n").toString();
    }

    private static final String MULTIPART = "multipart/form-data; boundary=AaB03x";

    @Test
    void ordersInForms() {
        String b = encoded(burger);
        String f = encoded(fries);

        assertThat(items(send(
                        "POST",
                        "/orders?user_id=" + user,
                        FORM,
                        "order[items][%s]=2&order[items][%s]=1".formatted(b, f))))
                .isEqualTo(Map.of(burger, 2, fries, 1));
        // Most clients escape the brackets too.
        assertThat(items(send("POST", "/orders", FORM, "user_id=%d&order%%5Bitems%%5D%%5B%s%%5D=3".formatted(user, b))))
                .isEqualTo(Map.of(burger, 3));
        assertThat(items(send("POST", "/orders?user_id=" + user, FORM + "; charset=UTF-8", "items[%s]=1".formatted(b))))
                .isEqualTo(Map.of(burger, 1));
        assertThat(items(send(
                        "POST",
                        "/orders",
                        MULTIPART,
                        multipart("order[user_id]", "" + user, "order[items][" + burger + "]", "4"))))
                .isEqualTo(Map.of(burger, 4));
    }

    @Test
    void everythingElseInForms() {
        String name = Shop.uniqueName();
        String email = encoded(name.replace(' ', '.') + "@example.com");
        String phone = Shop.uniquePhone();

        long created = json(
                        send(
                                "POST",
                                "/users",
                                FORM,
                                "user[name]=Zo%%C3%%AB+M&user[email]=%s&user[phone]=%s".formatted(email, phone)),
                        201)
                .getLong("id");
        assertThat(json(send("GET", "/users/" + created, null, null), 200).getString("name"))
                .isEqualTo("Zoë M");
        long added = json(
                        send(
                                "POST",
                                "/inventory_items",
                                MULTIPART,
                                multipart(
                                        "inventory_item[name]", name,
                                        "inventory_item[quantity]", "7",
                                        "inventory_item[threshold]", "2")),
                        201)
                .getLong("id");
        assertThat(json(send("PUT", "/inventory_items/" + added, FORM, "quantity=9&reason=counted"), 200)
                        .getLong("quantity"))
                .isEqualTo(9);
        long order = Shop.order(user, Map.of(burger, 1));
        Shop.settled(order);
        assertThat(json(send("PUT", "/orders/" + order + "/update_status", FORM, "status=OutForDelivery"), 200)
                        .getString("status"))
                .isEqualTo("OutForDelivery");
        assertThat(json(send("POST", "/orders/" + order + "/cancel", FORM, ""), 200)
                        .getString("status"))
                .isEqualTo("Cancelled");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "null", textBlock = """
            null             | null
            application/json | null
            application/json | {}
            application/json | {"id":1,"version":3}
            text/plain       | null
            application/x-www-form-urlencoded | null
            """)
    void cancellingWithoutABody(String type, String body) {
        long order = Shop.order(user, Map.of(burger, 1));

        assertThat(json(send("POST", "/orders/" + order + "/cancel", type, body), 200)
                        .getString("status"))
                .isEqualTo("Cancelled");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "null", textBlock = """
            application/json | {"items":{"burger":1}} | 422 | items is not a known field
            application/json | {"order":{}}           | 422 | order is not a known field
            application/json | []                     | 400 | must be a JSON object
            application/json | {                      | 400 | not valid JSON
            text/plain       | zzz                    | 415 | application/json
            null             | {}                     | 415 | application/json
            application/x-www-form-urlencoded | items[burger]=1 | 422 | items is not a known field
            """)
    void bodyOfACallThatNeedsNone(String type, String body, int status, String message) {
        long order = Shop.order(user, Map.of(burger, 1));
        ledger.awaitSettled();

        for (String path : List.of(
                "/orders/" + order + "/cancel",
                "/jobs/failed/1/retry",
                "/jobs/failed/retry",
                "/inventory_items/audit")) {
            isRefused(send("POST", path, type, body), status, "", message);
        }
        assertThat(Shop.status(order)).isEqualTo("Confirmed");
    }

    @Test
    void parametersInTheQueryAlone() {
        String query = "user_id=%d&order[items][%s]=2"
                .formatted(user, encoded(burger))
                .replace("[", "%5B")
                .replace("]", "%5D");

        assertThat(items(send("POST", "/orders?" + query, null, null))).isEqualTo(Map.of(burger, 2));
        assertThat(items(send("POST", "/orders?" + query, FORM, ""))).isEqualTo(Map.of(burger, 2));
        assertThat(json(send("PATCH", "/inventory_items/" + item + "?quantity=55", null, null), 200)
                        .getLong("quantity"))
                .isEqualTo(55);
        long order = Shop.order(user, Map.of(burger, 1));
        Shop.settled(order);
        assertThat(json(send("PUT", "/orders/" + order + "/update_status?status=Delivered", JSON, null), 200)
                        .getString("status"))
                .isEqualTo("Delivered");
    }

    @Test
    void bodyWinsOverTheQuery() {
        String changed = "/inventory_items/" + item + "?quantity=11&threshold=22";

        JsonPath byJson = json(send("PUT", changed, JSON, "{\"quantity\":33}"), 200);
        assertThat(byJson.getLong("quantity")).isEqualTo(33);
        assertThat(byJson.getLong("threshold")).isEqualTo(22);
        JsonPath byForm = json(send("PUT", changed, FORM, "threshold=44"), 200);
        assertThat(byForm.getLong("quantity")).isEqualTo(11);
        assertThat(byForm.getLong("threshold")).isEqualTo(44);
        isRefused(send("PUT", changed, JSON, "{\"quantity\":"), 400, "", "not valid JSON");
    }

    @Test
    void numbersInStrings() {
        assertThat(items(send("POST", "/orders", JSON, """
                        {"user_id":"%d","order":{"items":{"%s":"2"}}}""".formatted(user, burger))))
                .isEqualTo(Map.of(burger, 2));
        JsonPath changed = json(
                send("PUT", "/inventory_items/" + item, JSON, "{\"quantity\":\"1000000000\",\"threshold\":\"0\"}"),
                200);
        assertThat(changed.getLong("quantity")).isEqualTo(1_000_000_000);
        assertThat(changed.getLong("threshold")).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"2.5", "2.0", "1e3", " 2", "2 ", "0x2", "", "+2", "02", "٢", "two", "2,000", "--2", "null"})
    void otherTextIsNotANumber(String text) {
        String body = "{\"items\":{\"%s\":\"%s\"}}".formatted(burger, text);

        isRefused(send("POST", "/orders?user_id=" + user, JSON, body), 422, "items." + burger, "whole number");
        isRefused(
                send("POST", "/orders?user_id=" + user, FORM, "items[%s]=%s".formatted(encoded(burger), encoded(text))),
                422,
                "items." + burger,
                "whole number");
    }

    @Test
    void numbersThatFitNoLong() {
        for (String number : List.of("1180591620717411303424", "\"1180591620717411303424\"", "9".repeat(30))) {
            isRefused(
                    send(
                            "POST",
                            "/orders?user_id=" + user,
                            JSON,
                            "{\"order\":{\"items\":{\"%s\":%s}}}".formatted(burger, number)),
                    422,
                    "items." + burger,
                    "too large a number");
        }
        isRefused(
                send("POST", "/orders", JSON, "{\"user_id\":1180591620717411303424,\"items\":{}}"),
                422,
                "user_id",
                "too large a number");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "null", textBlock = """
            items[a]=1&items[a]=2          | 400 | repeated
            items[a]=1&items[a][b]=2       | 400 | repeated
            items[]=1                      | 400 | not the name of a parameter
            items[a=1                      | 400 | not the name of a parameter
            items]a[=1                     | 400 | not the name of a parameter
            =1                             | 400 | not the name of a parameter
            items[%zz]=1                   | 400 | invalid escape
            items[%ff]=1                   | 400 | not valid UTF-8
            items[a][b]=1                  | 422 | items.a must be a whole number
            items=1                        | 422 | items must be an object
            nonsense=1                     | 422 | nonsense is not a known field
            order[items][a]=1&items[a]=1   | 422 | either inside the wrapper or bare
            order[order][items][a]=1       | 422 | either inside the wrapper or bare
            order[items][a]=0              | 422 | items.a must be greater than or equal to 1
            order[items][a]=1000000001     | 422 | items.a must be less than or equal to 1000000000
            """)
    void formsThatAreRefused(String body, int status, String message) {
        isRefused(send("POST", "/orders?user_id=" + user, FORM, body), status, "", message);
    }

    @Test
    void limitsOfForms() {
        isRefused(send("POST", "/orders?user_id=" + user, FORM, "a=1&".repeat(100)), 400, "", "repeated");
        isRefused(
                send("POST", "/orders?user_id=" + user, FORM, numbered(101, "items[thing%d]=1")), 422, "items", "100");
        isRefused(
                send("POST", "/orders?user_id=" + user, FORM, numbered(1_001, "p%d=1")),
                400,
                "",
                "more than 1,000 parameters");
        isRefused(
                send("POST", "/orders?user_id=" + user, FORM, "a" + "[a]".repeat(30_000) + "=1"),
                400,
                "",
                "more than 20 levels");
        isRefused(
                send("POST", "/orders?user_id=" + user, FORM, "x".repeat(160_000)),
                413,
                "",
                "larger than 156,424 bytes");
        isRefused(send("POST", "/orders?user_id=" + user, MULTIPART, fields(101)), 422, "items", "100");
        isRefused(send("POST", "/orders?user_id=" + user, MULTIPART, fields(1_000)), 422, "items", "100");
        isRefused(
                send("POST", "/orders?user_id=" + user, MULTIPART, fields(1_001)),
                400,
                "",
                "more than 1,000 parameters");
        JsonPath unknown =
                json(send("POST", "/orders?user_id=" + user, FORM, numbered(30, "items[no such thing%d]=1")), 422);
        assertThat(unknown.getList("errors")).hasSize(20);
    }

    private static String numbered(int count, String parameter) {
        return IntStream.range(0, count).mapToObj(parameter::formatted).collect(Collectors.joining("&"));
    }

    private static String fields(int count) {
        return multipart(IntStream.range(0, count)
                .mapToObj("items[thing%d]"::formatted)
                .flatMap(name -> Stream.of(name, "1"))
                .toArray(String[]::new));
    }

    @Test
    void multipartThatIsRefused() {
        String file = "--AaB03x\r\nContent-Disposition: form-data; name=\"csv\"; filename=\"o.csv\"\r\n"
                + "Content-Type: text/csv\r\n\r\nburger,1\r\n--AaB03x--\r\n";
        String whole = multipart("items[" + burger + "]", "1", "items[" + fries + "]", "1");

        isRefused(send("POST", "/orders?user_id=" + user, MULTIPART, file), 422, "csv", "is a file");
        isRefused(send("POST", "/orders?user_id=" + user, "multipart/form-data", whole), 400, "", "multipart");
        isRefused(
                send("POST", "/orders?user_id=" + user, MULTIPART, whole.substring(0, whole.length() - 40)),
                400,
                "",
                "incomplete");
        isRefused(
                send("POST", "/orders?user_id=" + user, MULTIPART, whole.replace("--AaB03x--\r\n", "")),
                400,
                "",
                "incomplete");
        isRefused(send("POST", "/orders?user_id=" + user, MULTIPART, "two burgers"), 400, "", "");
    }

    @Test
    void pathsThatEndInJson() {
        long order = json(
                        send("POST", "/orders.json?user_id=" + user, JSON, "{\"items\":{\"%s\":1}}".formatted(burger)),
                        201)
                .getLong("id");
        Shop.settled(order);

        assertThat(json(send("GET", "/orders/" + order + ".json", null, null), 200)
                        .getLong("id"))
                .isEqualTo(order);
        HttpResponse<String> page = send("GET", "/users/" + user + "/orders.json?limit=1", null, null);
        assertThat(json(page, 200).getList("id")).hasSize(1);
        assertThat(json(send("GET", "/inventory_items/" + item + ".json", null, null), 200)
                        .getString("name"))
                .isEqualTo(burger);
        assertThat(json(
                                send(
                                        "PUT",
                                        "/orders/" + order + "/update_status.json",
                                        JSON,
                                        "{\"status\":\"OutForDelivery\"}"),
                                200)
                        .getString("status"))
                .isEqualTo("OutForDelivery");
        assertThat(send("POST", "/orders/" + order + "/cancel.json", null, null).statusCode())
                .isEqualTo(200);
        assertThat(send("GET", "/nowhere.json", null, null).statusCode()).isEqualTo(404);
        for (String path : List.of("/.json", "/orders/.json", "/console/.json", "/orders//.json")) {
            isRefused(send("GET", path, null, null), 404, "", "There is nothing at " + path);
        }
        assertThat(send("POST", "/orders/.json?user_id=" + user, JSON, "{\"items\":{\"%s\":1}}".formatted(burger))
                        .statusCode())
                .isEqualTo(404);
        assertThat(send("GET", "/orders" + ".json".repeat(1_000), null, null).statusCode())
                .isEqualTo(404);
        // As large as without.
        assertThat(send("POST", "/orders.json?user_id=" + user, JSON, " ".repeat(150_000))
                        .statusCode())
                .isEqualTo(400);
    }

    @Test
    void patchOfAnItem() {
        JsonPath changed =
                json(send("PATCH", "/inventory_items/" + item, JSON, "{\"inventory_item\":{\"threshold\":9}}"), 200);

        assertThat(changed.getLong("threshold")).isEqualTo(9);
        assertThat(changed.getLong("quantity")).isEqualTo(100);
    }

    @Test
    void healthCheckOfRails() {
        HttpResponse<String> up = send("GET", "/up", null, null);

        assertThat(up.statusCode()).isEqualTo(200);
        assertThat(up.headers().firstValue("Content-Type").orElseThrow()).startsWith("text/html");
        assertThat(up.body()).contains("background-color: green");
        assertThat(send("HEAD", "/up", null, null).statusCode()).isEqualTo(200);
    }

    @Test
    void echoedFields() {
        String echo = "\"id\":%d,\"created_at\":\"2026-01-31T12:00:00.123456Z\",\"updated_at\":null,\"version\":3"
                .formatted(item);

        JsonPath changed = json(send("PUT", "/inventory_items/" + item, JSON, """
                        {"inventory_item":{%s,"name":"%s","quantity":77,"threshold":5}}""".formatted(echo, burger)), 200);
        assertThat(changed.getLong("id")).isEqualTo(item);
        assertThat(changed.getLong("quantity")).isEqualTo(77);
        json(send("POST", "/orders?user_id=" + user, JSON, "{%s,\"items\":{\"%s\":1}}".formatted(echo, burger)), 201);
        long order = Shop.order(user, Map.of(burger, 1));
        json(
                send(
                        "PUT",
                        "/orders/" + order + "/update_status",
                        JSON,
                        "{%s,\"status\":\"Cancelled\"}".formatted(echo)),
                200);
        assertThat(json(
                                send(
                                        "POST",
                                        "/inventory_items/" + item + "/adjust",
                                        JSON,
                                        "{%s,\"delta\":3,\"reason\":\"found\"}".formatted(echo)),
                                200)
                        .getLong("id"))
                .isEqualTo(item);
        isRefused(
                send("PUT", "/inventory_items/" + item, JSON, "{%s,\"quantity\":1,\"colour\":1}".formatted(echo)),
                422,
                "colour",
                "is not a known field");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "null", textBlock = """
            GET  | /orders/999999999999 | null | There is no order 999999999999.
            GET  | /orders?limit=x      | null | limit must be a whole number, not 'x'.
            GET  | /orders/99999999999999999999  | null | id is too large a number: '99999999999999999999'.
            GET  | /orders?after=-99999999999999999999 | null | after is too large a number: '-99999999999999999999'.
            GET  | /orders/9x           | null | id must be a whole number, not '9x'.
            GET  | /nowhere             | null | There is nothing at /nowhere.
            POST | /users               | {"name":"A","email":"a@b.c","phone":"1"} | phone must be 10 digits
            POST | /inventory_items     | {"name":"a","quantity":-1,"threshold":-1} | quantity must be greater than or equal to 0; threshold must be greater than or equal to 0
            """)
    void everyProblemHasAnErrorInOneString(String method, String target, String body, String error) {
        HttpResponse<String> response = send(method, target, body == null ? null : JSON, body);

        assertThat(JsonPath.from(response.body()).getString("error")).isEqualTo(error);
    }

    @Test
    void firstPageHas100Rows() {
        String prefix = Shop.uniqueName();
        ledger.execute("insert into inventory_items (name, quantity, threshold, created_at, updated_at)"
                + " select '%s ' || n, 0, 0, now(), now() from generate_series(1, 101) n".formatted(prefix));
        try {
            HttpResponse<String> page = send("GET", "/inventory_items", null, null);

            assertThat(json(page, 200).getList("id")).hasSize(100);
            assertThat(page.headers().firstValue("Link")).isPresent();
        } finally {
            ledger.execute("delete from inventory_items where name like '%s %%'".formatted(prefix));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"quantity\":null}",
                "{\"name\":null,\"quantity\":1}",
                "{\"threshold\":null}",
                "{\"reason\":null}",
                "{\"inventory_item\":{\"quantity\":null}}",
                "{\"inventory_item\":{\"threshold\":3,\"quantity\":null}}",
                "{}",
                "{\"inventory_item\":{}}",
                "{\"reason\":\"counted\"}",
                "null",
                ""
            })
    void changeWithoutEffect(String body) {
        for (String method : List.of("PUT", "PATCH")) {
            HttpResponse<String> response = send(method, "/inventory_items/" + item, JSON, body);

            assertThat(response.statusCode()).as(response.body()).isEqualTo(422);
            assertThat(JsonPath.from(response.body()).getString("error")).containsAnyOf("must not be null", "required");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "null", textBlock = """
            PUT   | null
            PATCH | null
            PUT   | text/plain
            PUT   | application/json
            PATCH | application/x-www-form-urlencoded
            PUT   | multipart/form-data
            """)
    void changeWithoutABody(String method, String type) {
        isRefused(send(method, "/inventory_items/" + item, type, null), 422, "", "one of name, quantity and threshold");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            GET    | /orders?stauts=Pending
            GET    | /orders?limit=1&page=2
            GET    | /orders?LIMIT=1
            GET    | /orders/1?expand=items
            GET    | /orders/1/events?limit=1
            GET    | /orders/1/movements?limit=1
            GET    | /users/1/orders?user_id=1
            GET    | /order_statuses?x
            GET    | /inventory_items?below_treshold=true
            GET    | /inventory_items/1/movements?sort=id
            GET    | /inventory_items/audit?full=true
            GET    | /jobs?x=1
            GET    | /jobs/failed?daed=true
            GET    | /flow?x=1
            POST   | /orders?usr_id=1
            POST   | /orders/1/cancel?reason=late
            POST   | /jobs/failed/retry?dead=true
            POST   | /inventory_items/audit?full=true
            DELETE | /inventory_items/1?force=true
            DELETE | /jobs/failed/1?force=true
            PUT    | /inventory_items/1?quanity=1
            PUT    | /orders/1/update_status?state=Received
            """)
    void unknownQueryParameters(String method, String target) {
        isRefused(send(method, target, null, null), 400, "", "is not a query parameter of this path");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/orders?user_id=1&user_id=2",
                "/orders?user_id=1&%75ser_id=1",
                "/orders?status=Pending&status=Received",
                "/orders?limit=1&limit=2",
                "/inventory_items?name=a&name=b"
            })
    void repeatedQueryParameters(String target) {
        isRefused(send("GET", target, null, null), 400, "", "must be given only once");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            GET  | /orders?status=
            GET  | /orders?status
            GET  | /orders.json?status=
            GET  | /orders?user_id=&status=Pending
            GET  | /orders?limit=1&after=
            GET  | /orders?limit=
            GET  | /users/1/orders?status=
            GET  | /inventory_items?name=
            GET  | /inventory_items?name=%20
            GET  | /inventory_items?name=%E2%80%8B
            GET  | /inventory_items?name=%C2%A0%E2%80%AE
            GET  | /inventory_items?below_threshold=
            GET  | /inventory_items?sort=
            GET  | /jobs/failed?dead=
            POST | /orders?user_id=
            """)
    void emptyQueryParameters(String method, String target) {
        isRefused(send(method, target, null, null), 400, "", "must not be empty");
    }

    /** JAX-RS takes a semicolon for an ampersand. */
    @Test
    void semicolonsInTheQuery() {
        isRefused(send("GET", "/orders?limit=1;stauts=Pending", null, null), 400, "stauts", "is not a query parameter");
        isRefused(send("GET", "/orders?limit=1;limit=2", null, null), 400, "limit", "only once");
        isRefused(
                send(
                        "POST",
                        "/orders?order%%5Bitems%%5D%%5Ba;user_id=%1$d%%5D=1&user_id=%1$d".formatted(user),
                        null,
                        null),
                400,
                "",
                "");
        String prefix = Shop.uniqueName() + " a;b";
        long named = Shop.item(prefix, 1, 1);
        assertThat(json(send("GET", "/inventory_items?name=" + encoded(prefix), null, null), 200)
                        .getList("id", Long.class))
                .containsExactly(named);
    }

    @Test
    void queryThatIsNotText() {
        isRefused(send("GET", "/orders?status=%ff", null, null), 400, "", "not valid UTF-8");
        isRefused(send("GET", "/orders?%ff=1", null, null), 400, "", "not valid UTF-8");
        assertThat(send("POST", "/orders?user_id=%C3%28", null, null).statusCode())
                .isEqualTo(400);
    }

    @Test
    void placingForTwoUsersAtOnce() {
        long other = Shop.user();

        isRefused(
                send(
                        "POST",
                        "/orders?user_id=%d&user_id=%d".formatted(user, other),
                        JSON,
                        "{\"items\":{\"%s\":1}}".formatted(burger)),
                400,
                "user_id",
                "only once");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            DELETE | /orders/1               | GET, HEAD, OPTIONS
            PATCH  | /orders                 | GET, HEAD, OPTIONS, POST
            PUT    | /orders/1/cancel        | OPTIONS, POST
            POST   | /inventory_items/1      | DELETE, GET, HEAD, OPTIONS, PATCH, PUT
            DELETE | /users                  | OPTIONS, POST
            POST   | /users/1/orders         | GET, HEAD, OPTIONS
            GET    | /jobs/failed/1          | DELETE, OPTIONS
            PUT    | /flow                   | GET, HEAD, OPTIONS
            PUT    | /inventory_items/audit  | GET, HEAD, OPTIONS, POST
            PUT    | /api_keys/current       | GET, HEAD, OPTIONS
            POST   | /up                     | GET, HEAD
            OPTIONS | /up                    | GET, HEAD
            POST   | /console/index.html     | GET, HEAD
            DELETE | /console                | GET, HEAD
            """)
    void otherMethods(String method, String target, String allowed) {
        HttpResponse<String> response = send(method, target, null, null);

        isRefused(response, 405, "", "does not support this method");
        assertThat(response.headers().firstValue("Content-Type").orElseThrow()).isEqualTo(Problem.MEDIA_TYPE);
        assertThat(response.headers().firstValue("Allow").orElseThrow()).isEqualTo(allowed);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            /orders                  | GET, HEAD, OPTIONS, POST
            /orders/1                | GET, HEAD, OPTIONS
            /orders/1.json           | GET, HEAD, OPTIONS
            /orders/1/cancel         | OPTIONS, POST
            /inventory_items/1       | DELETE, GET, HEAD, OPTIONS, PATCH, PUT
            /users                   | OPTIONS, POST
            /jobs/failed/1           | DELETE, OPTIONS
            /jobs/failed/retry       | OPTIONS, POST
            /inventory_items/audit   | GET, HEAD, OPTIONS, POST
            /flow                    | GET, HEAD, OPTIONS
            """)
    void options(String target, String allowed) {
        HttpResponse<String> response = send("OPTIONS", target, null, null);

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).isEmpty();
        assertThat(response.headers().firstValue("Allow").orElseThrow()).isEqualTo(allowed);
    }

    @Test
    void optionsOfNothing() {
        isRefused(send("OPTIONS", "/orders/1/nowhere", null, null), 404, "", "nothing at /orders/1/nowhere");
        isRefused(send("OPTIONS", "/nowhere", null, null), 404, "", "nothing at /nowhere");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"items":            | it ends too early (line 1, column 10).
            {"items":{"a":NaN}}  | what comes next is not JSON (line 1, column
            {"items":{"a":01}}   | what comes next is not JSON (line 1, column
            {'items':{}}         | what comes next is not JSON (line 1, column
            {items:{}}           | what comes next is not JSON (line 1, column
            {"items":{},}        | what comes next is not JSON (line 1, column
            {"items":{}} /**/    | what comes next is not JSON (line 1, column
            not json             | what comes next is not JSON (line 1, column
            {"a":"\\x"}          | what comes next is not JSON (line 1, column
            {"items":{}} {}      | something follows its end (line 1, column
            {"a":1,"a":2}        | a field is repeated (line 1, column
            """)
    void malformedJson(String body, String reason) {
        String detail =
                json(send("POST", "/orders?user_id=" + user, JSON, body), 400).getString("detail");

        assertThat(detail)
                .startsWith("The body is not valid JSON: " + reason)
                .doesNotContainPattern("[A-Z]{2,}_|Feature|Json[A-Z]|StreamRead|\\(code|enable|token");
    }

    @Test
    void jsonBeyondTheLimits() {
        assertThat(json(send("POST", "/orders", JSON, "{\"order\":".repeat(30)), 400)
                        .getString("detail"))
                .contains("nested more than 20 levels deep");
        assertThat(json(send("POST", "/orders", JSON, "{\"x\":[" + "1,".repeat(1_500) + "1]}"), 400)
                        .getString("detail"))
                .contains("more than 1,000 values and names");
        assertThat(json(send("POST", "/orders", JSON, "{\"user_id\":" + "9".repeat(2_000) + "}"), 400)
                        .getString("detail"))
                .contains("a number, text or name is too long");
    }
}
