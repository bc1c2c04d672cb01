package dev.oms.access;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.Streams;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.builder.RequestSpecBuilder;
import io.restassured.path.json.JsonPath;
import io.restassured.response.Response;
import io.restassured.response.ValidatableResponse;
import io.restassured.specification.RequestSpecification;
import io.vertx.redis.client.Command;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
class AccessTest {
    private final Ledger ledger = OmsServers.ledger();
    private final String admin = TestKeys.admin(ledger);
    private final String name = Shop.uniqueName();
    private long user;
    private long item;

    @BeforeEach
    void createUserAndItem() {
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", "Bearer " + admin)
                .build();
        user = Shop.user();
        item = Shop.item(name, 100, 0);
        RestAssured.requestSpecification = null;
    }

    @AfterEach
    void sendNoKey() {
        RestAssured.requestSpecification = null;
    }

    private static RequestSpecification with(String key) {
        return given().header("Authorization", "Bearer " + key).contentType("application/json");
    }

    private ValidatableResponse create(Map<String, ?> key) {
        return with(admin).body(key).post("/api_keys").then();
    }

    // --- Keys ---

    @Test
    void aKeyIsShownOnceAndWorks() {
        ValidatableResponse created =
                create(Map.of("name", "shop-1", "role", "storefront")).statusCode(201);

        String key = created.extract().path("key");
        int id = created.extract().path("id");
        created.header("Location", "/api_keys/" + id)
                .header("Cache-Control", "no-store")
                .body("hint", equalTo(key.substring(0, 8)))
                .body("scopes", hasItem("orders:write"))
                .body("created_by", equalTo("key:tests"))
                .body("status", equalTo("active"));
        with(admin).get("/api_keys/{id}", id).then().statusCode(200).body("key", equalTo(null));
        with(key).get("/orders").then().statusCode(200);
        assertThat(ledger.texts("select id from api_keys k where k::text like '%" + key.substring(8) + "%'"))
                .isEmpty();
    }

    @Test
    void aRevokedKeyIsRefusedAtOnce() {
        ValidatableResponse created = create(Map.of("name", "shop-1", "role", "storefront"));
        String key = created.extract().path("key");
        int id = created.extract().path("id");
        with(key).get("/orders").then().statusCode(200);

        with(admin).post("/api_keys/{id}/revoke", id).then().statusCode(200).body("status", equalTo("revoked"));

        with(TestKeys.of(ledger, "other", Role.admin.scopes(), null, "null", "null"))
                .header("OMS-Actor", "Anna")
                .post("/api_keys/{id}/revoke", id)
                .then()
                .statusCode(200)
                .body("revoked_by", equalTo("key:tests"));
        with(key).get("/orders").then().statusCode(401);
        String revokedAt = with(admin).get("/api_keys/{id}", id).path("revoked_at");
        with(admin).post("/api_keys/{id}/revoke", id).then().body("revoked_at", equalTo(revokedAt));
        with(admin).body("{}").post("/api_keys/{id}/roll", id).then().statusCode(409);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 50, 2_000})
    void aKeyOfAnyRateMayAskForAnAudit(int rate) {
        String key = create(Map.of("name", "auditor", "role", "operator", "rate", rate))
                .extract()
                .path("key");

        with(key).post("/inventory_items/audit").then().statusCode(202);
    }

    /** Follows the stream of events, and tells how many lines it had when it has ended. */
    private static CompletableFuture<Long> follow(HttpClient client, String key) throws Exception {
        HttpResponse<Stream<String>> stream = client.send(
                HttpRequest.newBuilder(URI.create("http://localhost:" + RestAssured.port + "/flow"))
                        .header("Authorization", "Bearer " + key)
                        .build(),
                BodyHandlers.ofLines());
        assertThat(stream.statusCode()).isEqualTo(200);
        return CompletableFuture.supplyAsync(() -> stream.body().count());
    }

    @Test
    void aStreamEndsWhenAKeyIsRevoked() throws Exception {
        int other =
                create(Map.of("name", "other", "role", "storefront")).extract().path("id");
        try (HttpClient client = HttpClient.newHttpClient()) {
            CompletableFuture<Long> lines = follow(client, admin);

            with(admin).post("/api_keys/{id}/revoke", other).then().statusCode(200);

            assertThat(lines.get(60, TimeUnit.SECONDS)).isNotNegative();
        }
    }

    /** A stream ends also when any key is revoked, as other tests do, so another stream must last. */
    @Test
    void aStreamEndsWhenItsKeyExpires() throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        try {
            await().atMost(Duration.ofSeconds(180)).until(() -> {
                String key =
                        TestKeys.of(ledger, "short", Role.admin.scopes(), null, "now() + interval '5 seconds'", "null");
                CompletableFuture<Long> lasting = follow(client, admin);

                assertThat(follow(client, key).get(60, TimeUnit.SECONDS)).isPositive();

                Thread.sleep(1_000);
                return !lasting.isDone();
            });
        } finally {
            client.shutdownNow();
        }
    }

    /** As another process does it. */
    @Test
    void aChangeThatAnotherProcessAnnouncesIsNoticed() {
        String key = TestKeys.of(ledger, Role.storefront, null);
        with(key).get("/orders").then().statusCode(200);

        ledger.execute("update api_keys set revoked_at = now() where name = 'storefront'");
        OmsServers.streams().redis(Command.SET, "oms:api-key-change", "another");

        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> with(key).get("/orders").then().statusCode(401));
    }

    /** Otherwise every process would look up all keys again. */
    @Test
    void revokingAKeyAgainIsNotAnnounced() throws Exception {
        int id = create(Map.of("name", "gone", "role", "storefront")).extract().path("id");
        Streams streams = OmsServers.streams();
        streams.redis(Command.SET, "oms:api-key-change", "before");
        with(admin).post("/api_keys/{id}/revoke", id).then().statusCode(200);
        Supplier<String> last =
                () -> streams.redis(Command.GET, "oms:api-key-change").toString();
        await().atMost(Duration.ofSeconds(30)).until(() -> !last.get().equals("before"));
        String announced = last.get();

        with(admin).post("/api_keys/{id}/revoke", id).then().statusCode(200);

        Thread.sleep(200);
        assertThat(last.get()).isEqualTo(announced);
    }

    @Test
    void whatElseIsUnderTheKeyOfTheLastChangeIsDeleted() {
        Streams streams = OmsServers.streams();
        streams.redis(Command.DEL, "oms:api-key-change");
        streams.redis(Command.LPUSH, "oms:api-key-change", "x");

        await().atMost(Duration.ofSeconds(30))
                .until(() -> streams.redis(Command.TYPE, "oms:api-key-change")
                        .toString()
                        .equals("none"));
    }

    @Test
    void aRolledKeyLivesOnAsLongAsIsAsked() {
        ValidatableResponse created =
                create(Map.of("name", "shop-1", "scopes", Set.of("orders:read"), "rate", 500, "user_id", user));
        int id = created.extract().path("id");

        ValidatableResponse rolled = with(admin)
                .body(Map.of("overlap_seconds", 3600))
                .post("/api_keys/{id}/roll", id)
                .then()
                .statusCode(201)
                .body("name", equalTo("shop-1"))
                .body("scopes", equalTo(List.of("orders:read")))
                .body("rate", equalTo(500))
                .body("user_id", equalTo((int) user));

        with(created.extract().path("key")).get("/orders").then().statusCode(200);
        with(rolled.extract().path("key")).get("/orders").then().statusCode(200);
        int successor = rolled.extract().path("id");
        String old = rolled.extract().path("key");
        with(admin).body("{}").post("/api_keys/{id}/roll", successor).then().statusCode(201);
        with(old).get("/orders").then().statusCode(401);
    }

    @Test
    void aBodyThatRevokingDoesNotKnowChangesNothing() {
        int id = create(Map.of("name", "kept", "role", "storefront")).extract().path("id");

        with(admin)
                .body(Map.of("when", "later"))
                .post("/api_keys/{id}/revoke", id)
                .then()
                .statusCode(422);

        with(admin).get("/api_keys/{id}", id).then().body("status", equalTo("active"));
    }

    @Test
    void anErrorNamesTheFieldAsTheClientDoes() {
        int id = create(Map.of("name", "kept", "role", "storefront")).extract().path("id");

        with(admin)
                .body(Map.of("overlap_seconds", -1))
                .post("/api_keys/{id}/roll", id)
                .then()
                .statusCode(422)
                .body("errors.field", equalTo(List.of("overlap_seconds")));
        with(admin)
                .body(Map.of("name", "dated", "role", "storefront", "expires_at", "2030-01-01"))
                .post("/api_keys")
                .then()
                .statusCode(422)
                .body("detail", containsString("is well-formed"))
                .body("errors.message", equalTo(List.of("must be a date and time, such as 2027-01-31T12:00:00Z")));
    }

    /** Otherwise the second successor would live no longer than the overlap of the first. */
    @Test
    void aKeyIsRolledOnce() {
        int id =
                create(Map.of("name", "shop-1", "role", "storefront")).extract().path("id");
        Map<String, Integer> overlap = Map.of("overlap_seconds", 3600);
        int successor = with(admin)
                .body(overlap)
                .post("/api_keys/{id}/roll", id)
                .then()
                .statusCode(201)
                .extract()
                .path("id");
        String expiresAt = with(admin).get("/api_keys/{id}", id).path("expires_at");

        with(admin)
                .body("{}")
                .post("/api_keys/{id}/roll", id)
                .then()
                .statusCode(409)
                .body(
                        "detail",
                        equalTo("API key %d has been rolled already; roll its successor, API key %d."
                                .formatted(id, successor)));

        with(admin)
                .get("/api_keys/{id}", id)
                .then()
                .body("status", equalTo("active"))
                .body("successor_id", equalTo(successor))
                .body("expires_at", equalTo(expiresAt));
        with(admin)
                .body(overlap)
                .post("/api_keys/{id}/roll", successor)
                .then()
                .statusCode(201)
                .body("expires_at", equalTo(null));
    }

    /** A key is not remembered beyond its end. PostgreSQL's clock says when that is, however slow this test runs. */
    @Test
    void aKeyExpires() {
        String keyName = "short-" + System.nanoTime();
        String key = TestKeys.of(
                ledger, keyName, Role.storefront.scopes(), null, "clock_timestamp() + interval '4 seconds'", "null");
        BooleanSupplier isOver =
                () -> ledger.count("api_keys where name = '" + keyName + "' and expires_at <= clock_timestamp()") > 0;

        await().atMost(Duration.ofSeconds(60)).until(() -> {
            boolean wasOver = isOver.getAsBoolean();
            int status = with(key).get("/orders?limit=1").statusCode();
            if (wasOver) {
                assertThat(status).isEqualTo(401);
            } else if (!isOver.getAsBoolean()) {
                assertThat(status).isEqualTo(200);
            }
            return wasOver;
        });
    }

    @Test
    void aKeyHasOnlyScopesThatItsCreatorHas() {
        String limited = TestKeys.of(ledger, "limited", Set.of("keys:write", "orders:read"), null, "null", "null");

        with(limited)
                .body(Map.of("name", "x", "role", "admin"))
                .post("/api_keys")
                .then()
                .statusCode(403);
        with(limited)
                .body(Map.of("name", "x", "scopes", Set.of("orders:read")))
                .post("/api_keys")
                .then()
                .statusCode(201);
        int others = create(Map.of("name", "others", "role", "admin")).extract().path("id");
        with(limited).body("{}").post("/api_keys/{id}/roll", others).then().statusCode(403);
        with(admin).get("/api_keys/{id}", others).then().body("status", equalTo("active"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"name\":\"x\"}",
                "{\"name\":\"\",\"role\":\"admin\"}",
                "{\"name\":\"Shop\",\"role\":\"admin\"}",
                "{\"name\":\"x y\",\"role\":\"admin\"}",
                "{\"name\":\"x\",\"role\":\"root\"}",
                "{\"name\":\"x\",\"role\":\"admin\",\"scopes\":[\"orders:read\"]}",
                "{\"name\":\"x\",\"scopes\":[]}",
                "{\"name\":\"x\",\"scopes\":[\"orders:delete\"]}",
                "{\"name\":\"x\",\"scopes\":[null]}",
                "{\"name\":\"x\",\"role\":\"customer\"}",
                "{\"name\":\"x\",\"role\":\"customer\",\"user_id\":999999999999}",
                "{\"name\":\"x\",\"role\":\"storefront\",\"user_id\":1}",
                "{\"name\":\"x\",\"role\":\"admin\",\"rate\":0}",
                "{\"name\":\"x\",\"role\":\"admin\",\"expires_at\":\"2020-01-01T00:00:00Z\"}",
                "{\"name\":\"x\",\"role\":\"admin\",\"expires_at\":\"tomorrow\"}",
                "{\"name\":\"x\",\"role\":\"admin\",\"admin\":true}"
            })
    void refusesAKeyThatMakesNoSense(String body) {
        long before = ledger.count("api_keys");

        with(admin).body(body).post("/api_keys").then().statusCode(422).body("errors", notNullValue());

        assertThat(ledger.count("api_keys")).isEqualTo(before);
    }

    @Test
    void storesWhenAKeyWasUsed() {
        String key = TestKeys.of(ledger, "seldom", Role.storefront.scopes(), null, "null", "null");
        with(key).get("/orders").then().statusCode(200);

        await().atMost(Duration.ofSeconds(30))
                .until(() -> ledger.count("api_keys where name = 'seldom' and last_used_at is not null") > 0);
    }

    // --- Customers ---

    @Test
    void aCustomerNeedsNoUserIdAndSeesOnlyItsOwn() {
        String customer = TestKeys.of(ledger, Role.customer, user);

        int order = with(customer)
                .body(Map.of("items", Map.of(name, 1)))
                .post("/orders")
                .then()
                .statusCode(201)
                .body("user_id", equalTo((int) user))
                .extract()
                .path("id");

        with(customer).get("/orders").then().statusCode(200).body("id", equalTo(List.of(order)));
        with(customer).get("/orders/{id}/events", order).then().statusCode(200);
        with(customer).post("/orders/{id}/cancel", order).then().statusCode(200);
    }

    @Test
    void aCustomerReadsTheEventsOfItsOwnOrdersOnly() {
        String customer = TestKeys.of(ledger, Role.customer, user);
        String end = with(admin).get("/events?after=end").path("next");
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", "Bearer " + admin)
                .build();
        long stranger = Shop.user();
        long own = Shop.order(user, Map.of(name, 1));
        long other = Shop.order(Shop.user(), Map.of(name, 1));
        long item = Shop.item(Shop.uniqueName(), 1, 0);
        RestAssured.requestSpecification = null;
        ledger.execute("""
                insert into events (subject, subject_id, version, type) values ('order', %d, 90, 'order.placed'),
                    ('order', %d, 90, 'order.placed'), ('item', %d, 90, 'item.added'), ('item', %d, 90, 'item.added'),
                    ('order', %2$d, 91, 'order.cancelled')""".formatted(other, own, item, own));

        await().atMost(Duration.ofMinutes(1))
                .untilAsserted(() -> assertThat(with(admin)
                                .get("/events?limit=1000&after=" + end)
                                .jsonPath()
                                .<Integer>getList("events.findAll { it.version >= 90 }.version"))
                        .containsExactly(90, 90, 90, 90, 91));
        JsonPath ownEvents = with(customer)
                .get("/events?after=" + end)
                .then()
                .statusCode(200)
                .extract()
                .jsonPath();
        assertThat(ownEvents.<Integer>getList("events.findAll { it.version >= 90 }.version"))
                .containsExactly(90, 91);
        assertThat(ownEvents.<Integer>getList("events.subject_id")).containsOnly((int) own);
        // There is something, but nothing of its own.
        with(TestKeys.of(ledger, Role.customer, stranger))
                .get("/events?after=" + end)
                .then()
                .statusCode(200)
                .body("events", hasSize(0));
    }

    /** Nothing tells an order of somebody else from one that does not exist. */
    @Test
    void othersLookAsIfTheyDidNotExist() {
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", "Bearer " + admin)
                .build();
        long other = Shop.user();
        long order = Shop.order(other, Map.of(name, 1));
        RestAssured.requestSpecification = null;
        String customer = TestKeys.of(ledger, Role.customer, user);

        for (String path : Set.of("/orders/%d", "/orders/%d/events", "/orders/%d/movements")) {
            with(customer)
                    .get(path.formatted(order))
                    .then()
                    .statusCode(404)
                    .body("detail", equalTo("There is no order " + order + "."));
        }
        with(customer).post("/orders/{id}/cancel", order).then().statusCode(404);
        with(customer)
                .body(Map.of("status", "Cancelled"))
                .put("/orders/{id}/update_status", order)
                .then()
                .statusCode(404);
        with(customer)
                .body(Map.of("items", Map.of(name, 1), "user_id", other))
                .post("/orders")
                .then()
                .statusCode(404)
                .body("detail", equalTo("There is no user " + other + "."));
        with(customer).get("/orders?user_id=" + other).then().statusCode(404);
        with(customer).get("/users/{id}/orders", other).then().statusCode(404);
        assertThat(ledger.texts("select status from orders where id = " + order))
                .doesNotContain("Cancelled");
    }

    @Test
    void aCustomerWaitsForItsOwnOrderOnly() {
        Response placed = with(TestKeys.ofUser(ledger, user))
                .header("Prefer", "wait=30")
                .body(Map.of("items", Map.of(name, 1)))
                .post("/orders");
        placed.then().statusCode(201).header("Preference-Applied", "wait=30").body("status", equalTo("Confirmed"));
        long stranger = with(admin)
                .body(Map.of(
                        "name", "Else", "email", name.replace(' ', '.') + "@example.com", "phone", Shop.uniquePhone()))
                .post("/users")
                .jsonPath()
                .getLong("id");
        RequestSpecification another = with(TestKeys.ofUser(ledger, stranger))
                .header("Prefer", "wait=30")
                .header("If-None-Match", "\"1\"");

        Response answer = another.get(placed.header("Location"));

        answer.then().statusCode(404).header("Preference-Applied", nullValue());
    }

    /** It is told what it knows already. The time-out is below the wait. */
    @Test
    @Timeout(25)
    void aCallWhoseKeyIsRevokedWaitsNoLonger() {
        ValidatableResponse created = create(Map.of("name", "shop-1", "role", "storefront"));
        String key = created.extract().path("key");
        int id = created.extract().path("id");
        String order = with(key)
                .header("Prefer", "wait=30")
                .body(Map.of("user_id", user, "items", Map.of(name, 1)))
                .post("/orders")
                .header("Location");
        CompletableFuture<Response> read = CompletableFuture.supplyAsync(() -> with(key)
                .header("Prefer", "wait=30")
                .header("If-None-Match", "\"1\"")
                .get(order));
        await().until(() -> OmsServers.management().get("/q/metrics").asString().contains("oms_calls_waiting 1.0"));

        with(admin).post("/api_keys/{id}/revoke", id).then().statusCode(200);

        read.join().then().statusCode(304).header("Preference-Applied", nullValue());
    }

    // --- Who did it ---

    @Test
    void theKeyIsTheActor() {
        String shop = TestKeys.of(ledger, "shop-1", Role.admin.scopes(), null, "null", "null");
        int order = with(shop)
                .header("OMS-Actor", "Anna")
                .body(Map.of("items", Map.of(name, 1), "user_id", user))
                .post("/orders")
                .then()
                .statusCode(201)
                .extract()
                .path("id");

        with(shop).post("/orders/{id}/cancel", order).then().statusCode(200);
        with(shop)
                .body(Map.of("delta", 1, "reason", "found"))
                .post("/inventory_items/{id}/adjust", item)
                .then()
                .statusCode(200);

        with(shop)
                .get("/orders/{id}/events", order)
                .then()
                .body("find { it.event == 'Placed' }.by", equalTo("key:shop-1 (Anna)"))
                .body("find { it.event == 'Cancelled' }.by", equalTo("key:shop-1"));
        with(shop)
                .get("/inventory_items/{id}/movements", item)
                .then()
                .body("find { it.reason == 'found' }.actor", equalTo("key:shop-1"));
    }

    @Test
    void tellsACallerWhatItMayDo() {
        with(TestKeys.of(ledger, Role.customer, user))
                .get("/api_keys/current")
                .then()
                .statusCode(200)
                .body("auth", equalTo(true))
                .body("name", equalTo("key:customer"))
                .body("scopes", equalTo(List.of("events:read", "inventory:read", "orders:read", "orders:write")))
                .body("user_id", equalTo((int) user));
    }

    // --- Refusals ---

    @Test
    void whatNobodyMaySeeIsNotTold() {
        given().get("/orders")
                .then()
                .statusCode(401)
                .header("WWW-Authenticate", "Bearer realm=\"oms\"")
                .body("detail", startsWith("A key is needed"));
        given().contentType("application/json")
                .body("{")
                .post("/orders")
                .then()
                .statusCode(401)
                .body("detail", not(containsString("JSON")));
        given().header("Authorization", "Basic b21zOm9tcw==")
                .get("/orders")
                .then()
                .statusCode(401)
                .body("detail", startsWith("A key is needed"));
        given().header("Authorization", "Bearer " + admin)
                .header("Authorization", "Bearer " + admin)
                .get("/orders")
                .then()
                .statusCode(401)
                .body("detail", startsWith("A key is needed: send one header"));
        // A token, while there is no issuer.
        given().header("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.")
                .get("/orders")
                .then()
                .statusCode(401)
                .header("WWW-Authenticate", "Bearer realm=\"oms\", error=\"invalid_token\"")
                .body("detail", startsWith("The key is not valid"));
        given().header("Authorization", "bearer " + admin).get("/orders").then().statusCode(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/console/", "/up"})
    void whatIsForEverybodyNeedsNoKey(String path) {
        given().get(path).then().statusCode(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/q/health/ready", "/q/metrics"})
    void theManagementPortNeedsNoKey(String path) {
        OmsServers.management().get(path).then().statusCode(200);
    }

    // --- Limits ---

    @ParameterizedTest
    @CsvSource({
        "GET, /orders/{id}, 1",
        "GET, /orders?limit=25, 1",
        "GET, /orders?limit=26, 2",
        "GET, /orders, 4",
        "GET, /users/{user}/orders, 4",
        "GET, /inventory_items, 1",
        "GET, /inventory_items?name=x, 5",
        "GET, /inventory_items?below_threshold=true, 5",
        "GET, /inventory_items?out_of_stock=true, 5",
        "GET, /inventory_items?sort=low_stock, 5",
        "POST, /inventory_items/audit, 100",
        "POST, /jobs/failed/retry, 100"
    })
    void anExpensiveCallCostsMore(String method, String path, int units) {
        int rate = Math.max(10, 2 * units);
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", "Bearer " + admin)
                .build();
        long order = Shop.order(user, Map.of(name, 1));
        RestAssured.requestSpecification = null;
        String url = path.replace("{id}", Long.toString(order)).replace("{user}", Long.toString(user));

        double seconds = 1;
        // Exact if no unit comes during the call: a slow machine gets a few tries, and then a wider range.
        for (int i = 0; i < 10 && seconds * rate >= 1; i++) {
            String key = create(Map.of("name", "busy", "role", "operator", "rate", rate))
                    .extract()
                    .path("key");
            long start = System.nanoTime();
            Response response = with(key).request(method, url);
            seconds = (System.nanoTime() - start) / 1e9;

            assertThat(response.statusCode()).isLessThan(300);
            assertThat(remaining(response)).isBetween(rate - units, rate - units + (int) (seconds * rate));
        }
    }

    private static int remaining(Response response) {
        Matcher limit = Pattern.compile("\"default\";r=(\\d+);t=\\d+").matcher(response.header("RateLimit"));
        assertThat(limit.matches()).isTrue();
        return Integer.parseInt(limit.group(1));
    }

    @Test
    void aKeyMayUseItsRateAndNoMore() {
        String slow = create(Map.of("name", "slow", "role", "storefront", "rate", 5))
                .extract()
                .path("key");

        given().header("Authorization", "Bearer " + slow)
                .get("/orders?limit=1")
                .then()
                .statusCode(200)
                .header("RateLimit-Policy", "\"default\";q=5;w=1")
                .header("RateLimit", startsWith("\"default\";r="));
        ValidatableResponse refused = await().atMost(Duration.ofSeconds(30))
                .until(
                        () -> with(slow).get("/orders?limit=1").then(),
                        response -> response.extract().statusCode() == 429);

        refused.header("Retry-After", "1")
                .contentType("application/problem+json")
                .body("type", equalTo("https://iana.org/assignments/http-problem-types#quota-exceeded"));
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> with(slow).get("/orders?limit=1").then().statusCode(200));
    }
}
