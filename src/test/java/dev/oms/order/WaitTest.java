package dev.oms.order;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import io.restassured.response.ValidatableResponse;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import java.io.IOException;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * To place an order and know what becomes of it in one call, and to wait for a change. The time-out is below the waits.
 */
@QuarkusTest
@WithTestResource(OmsServers.class)
@Timeout(25)
class WaitTest {
    private final String name = Shop.uniqueName();
    private long user;

    @BeforeEach
    void createUserAndItem() {
        user = Shop.user();
        Shop.item(name, 10, 0);
    }

    private Response post(int quantity, String key) {
        return given().contentType("application/json")
                .header("Prefer", "respond-async")
                .header("Prefer", "wait=30")
                .header("Idempotency-Key", key)
                .queryParam("user_id", user)
                .body(Map.of("items", Map.of(name, quantity)))
                .post("/orders");
    }

    private static ValidatableResponse isPlaced(Response response) {
        long id = response.jsonPath().getLong("id");
        return response.then()
                .statusCode(201)
                .header("Location", "/orders/" + id)
                .header("Preference-Applied", "wait=30");
    }

    @Test
    void anOrderIsAnsweredConfirmed() {
        Response response = post(3, UUID.randomUUID().toString());

        isPlaced(response)
                .header("ETag", "\"1\"")
                .header("Idempotency-Replayed", nullValue())
                .body("status", equalTo("Confirmed"))
                .body("items", equalTo(Map.of(name, 3)));
        long id = response.jsonPath().getLong("id");
        assertThat(given().get("/orders/{id}", id).asString()).isEqualTo(response.asString());
    }

    @Test
    void anOrderIsAnsweredRejectedWithWhatWasShort() {
        Response response = post(11, UUID.randomUUID().toString());

        isPlaced(response).body("status", equalTo("Rejected")).body("short", contains(name));
    }

    @Test
    void anOrderThatMustNotWaitIsAnsweredAtOnce() {
        given().contentType("application/json")
                .header("Prefer", "wait=0, respond-async")
                .queryParam("user_id", user)
                .body(Map.of("items", Map.of(name, 1)))
                .post("/orders")
                .then()
                .statusCode(201)
                .header("Preference-Applied", nullValue())
                .body("status", equalTo("Pending"));
    }

    @Test
    void aRepeatIsAnsweredWithTheOrderAsItIs() {
        String key = UUID.randomUUID().toString();
        Response first = post(1, key);

        Response again = post(1, key);

        isPlaced(again).header("Idempotency-Replayed", "true");
        assertThat(again.asString()).isEqualTo(first.asString());
    }

    @Test
    void refusalsAreAsWithoutWaiting() {
        given().contentType("application/json")
                .header("Prefer", "wait=30")
                .queryParam("user_id", user)
                .body(Map.of("items", Map.of("nothing of that name", 1)))
                .post("/orders")
                .then()
                .statusCode(422)
                .header("Preference-Applied", nullValue());
        given().header("Prefer", "wait=30")
                .header("If-None-Match", "\"0\"")
                .get("/orders/{id}", Long.MAX_VALUE)
                .then()
                .statusCode(404);
    }

    @Test
    void aReadWaitsForAChange() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        CompletableFuture<Response> read = CompletableFuture.supplyAsync(() -> get(order, "\"1\"", 30));

        Shop.update(order, "OutForDelivery").then().statusCode(200);

        read.join()
                .then()
                .statusCode(200)
                .header("ETag", "\"2\"")
                .header("Preference-Applied", "wait=30")
                .body("status", equalTo("OutForDelivery"));
    }

    @Test
    void aReadWithoutAChangeIsAnsweredAfterItsWait() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);

        Response response = get(order, "\"1\"", 1);

        response.then().statusCode(304).header("ETag", "\"1\"").header("Preference-Applied", "wait=1");
        assertThat(response.time()).isGreaterThanOrEqualTo(900);
    }

    @Test
    void aReadThatHasSomethingNewDoesNotWait() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);

        get(order, "\"0\"", 30)
                .then()
                .statusCode(200)
                .header("Preference-Applied", "wait=30")
                .body("status", equalTo("Confirmed"));
        given().header("Prefer", "wait=30")
                .get("/orders/{id}", order)
                .then()
                .statusCode(200)
                .header("Preference-Applied", nullValue());
    }

    private static Response get(long order, String known, int seconds) {
        return given().header("Prefer", "wait=" + seconds)
                .header("If-None-Match", known)
                .get("/orders/{id}", order);
    }

    @ParameterizedTest
    @EnumSource(
            value = HttpVersion.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void bothVersionsOfHttpWait(HttpVersion version) {
        Vertx vertx = Vertx.vertx();
        try {
            Map.Entry<HttpClientResponse, Buffer> response = vertx.createHttpClient(
                            new HttpClientOptions().setProtocolVersion(version).setHttp2ClearTextUpgrade(false))
                    .request(HttpMethod.POST, RestAssured.port, "localhost", "/orders?user_id=" + user)
                    .compose(request -> request.putHeader("Content-Type", "application/json")
                            .putHeader("Prefer", "lenient, wait=30")
                            .send("{\"items\":{\"%s\":1}}".formatted(name)))
                    .compose(answer -> answer.body().map(body -> Map.entry(answer, body)))
                    .toCompletionStage()
                    .toCompletableFuture()
                    .orTimeout(20, TimeUnit.SECONDS)
                    .join();

            assertThat(response.getKey().version()).isEqualTo(version);
            assertThat(response.getKey().statusCode()).isEqualTo(201);
            assertThat(response.getKey().getHeader("Preference-Applied")).isEqualTo("wait=30");
            assertThat(response.getValue().toJsonObject().getString("status")).isEqualTo("Confirmed");
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    @Test
    @Timeout(120)
    void anOrderIsAcceptedAlthoughRedisIsStopped() throws IOException {
        OmsServers.servers().stopRedis();
        Response response;
        try {
            response = given().contentType("application/json")
                    .header("Prefer", "wait=2")
                    .queryParam("user_id", user)
                    .body(Map.of("items", Map.of(name, 1)))
                    .post("/orders");
        } finally {
            OmsServers.servers().startRedis();
        }

        response.then().statusCode(201).header("Preference-Applied", "wait=2").body("status", equalTo("Pending"));
        assertThat(Shop.settled(response.jsonPath().getLong("id"))).isEqualTo("Confirmed");
    }
}
