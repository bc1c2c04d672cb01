package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code OMS-Actor}, as bytes on the wire. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class ActorTest {
    @Inject
    Vertx vertx;

    private long order;

    @BeforeEach
    void setUp() {
        String name = Shop.uniqueName();
        Shop.item(name, 10, 0);
        order = Shop.order(Shop.user(), Map.of(name, 1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"warehouse 7", "Jürgen", "店員", "Оля", "❤️", "𝒜"})
    void isReadAsUtf8(String actor) throws IOException {
        assertThat(cancel(actor.getBytes(StandardCharsets.UTF_8)).status()).isEqualTo(200);

        assertThat(given().get("/orders/{id}/events", order).jsonPath().<String>getList("by"))
                .contains(actor);
    }

    @ParameterizedTest
    @ValueSource(strings = {"José", "李", "𝒜"})
    void isReadAsUtf8InHttp2(String actor) {
        // The client sends one byte a character.
        String bytes = new String(actor.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        HttpClient client = vertx.createHttpClient(
                new HttpClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false));

        int status = client.request(
                        HttpMethod.POST, RestAssured.port, "localhost", "/orders/%d/cancel".formatted(order))
                .compose(request -> request.putHeader("OMS-Actor", bytes).send())
                .map(HttpClientResponse::statusCode)
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(30, TimeUnit.SECONDS)
                .join();
        client.close();

        assertThat(status).isEqualTo(200);
        assertThat(given().get("/orders/{id}/events", order).jsonPath().<String>getList("by"))
                .contains(actor);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\u0085", "a\u202eb", "\u2066a", "a\u200b", "\ufeffa", "\u2028", "\u3164", "\u00a0"})
    void isRefusedWhenItCannotBeSeen(String actor) throws IOException {
        isRefused(actor.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void isRefusedWhenItIsNotUtf8() throws IOException {
        isRefused("Jürgen".getBytes(StandardCharsets.ISO_8859_1));
        // Overlong, a surrogate, cut off.
        isRefused(new byte[] {'a', (byte) 0xc0, (byte) 0xaf});
        isRefused(new byte[] {'a', (byte) 0xed, (byte) 0xa0, (byte) 0x80});
        isRefused(new byte[] {'a', (byte) 0xe2, (byte) 0x82});
    }

    @ParameterizedTest
    @ValueSource(strings = {"ü", "😀"})
    void hasUpToAHundredCharacters(String character) throws IOException {
        isRefused(character.repeat(101).getBytes(StandardCharsets.UTF_8));
        assertThat(cancel(character.repeat(100).getBytes(StandardCharsets.UTF_8))
                        .status())
                .isEqualTo(200);
    }

    private void isRefused(byte[] actor) throws IOException {
        RawHttp.Response response = cancel(actor);

        assertThat(response.status()).isEqualTo(400);
        assertThat(response.text()).contains("OMS-Actor must");
    }

    private RawHttp.Response cancel(byte[] actor) throws IOException {
        String request = "POST /orders/%d/cancel HTTP/1.1\r\nHost: localhost\r\nOMS-Actor: %s\r\n\r\n"
                .formatted(order, new String(actor, StandardCharsets.ISO_8859_1));
        return RawHttp.exchange(
                RestAssured.port, request.getBytes(StandardCharsets.ISO_8859_1), false, Duration.ofSeconds(30));
    }
}
