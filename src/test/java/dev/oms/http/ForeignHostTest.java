package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A response never contains the host that the request names: whoever can choose it, such as by a link or in a shared
 * cache, could otherwise lead other clients to a host of theirs.
 */
@QuarkusTest
@WithTestResource(OmsServers.class)
class ForeignHostTest {
    private static final String EVIL = "evil.example";

    private long user;
    private String name;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        name = Shop.uniqueName();
        Shop.item(name, 10, 0);
        Shop.order(user, Map.of(name, 1));
        Shop.order(user, Map.of(name, 1));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/console",
                "/console/",
                "/console/nothing",
                "/nowhere",
                "/order_statuses",
                "/orders?limit=1",
                "/orders?limit=1&after=x",
                "/orders/0",
                "/inventory_items?limit=1",
                "/jobs",
                "/jobs/failed?limit=1",
                "/q/openapi",
                "/q/openapi?format=json",
                "/q/swagger-ui",
                "/q/swagger-ui/",
                "/q/nothing"
            })
    void doesNotComeBackFromAGet(String path) throws IOException {
        containsNoForeignHost(exchange("GET " + path, EVIL, ""));
        containsNoForeignHost(exchange("GET http://" + EVIL + path, EVIL, ""));
        containsNoForeignHost(exchange("GET /" + path, path.substring(1), ""));
        containsNoForeignHost(exchange("GET //" + EVIL + "/.." + path, EVIL, ""));
        containsNoForeignHost(exchange("DELETE " + path, EVIL, ""));
    }

    @Test
    void doesNotComeBackFromWhatIsAdded() throws IOException {
        RawHttp.Response order =
                exchange("POST /orders?user_id=" + user, EVIL, "{\"items\":{\"%s\":1}}".formatted(name));
        RawHttp.Response item = exchange(
                "POST /inventory_items",
                EVIL,
                "{\"name\":\"%s\",\"quantity\":1,\"threshold\":1}".formatted(Shop.uniqueName()));
        RawHttp.Response someone = exchange(
                "POST /users",
                EVIL,
                "{\"name\":\"A\",\"email\":\"%d@example.com\",\"phone\":\"%010d\"}"
                        .formatted(System.nanoTime(), System.nanoTime() % 10_000_000_000L));

        isCreatedAt(order, "/orders/\\d+");
        isCreatedAt(item, "/inventory_items/\\d+");
        isCreatedAt(someone, "/users/\\d+");
    }

    private static void isCreatedAt(RawHttp.Response response, String path) {
        assertThat(response.status()).isEqualTo(201);
        assertThat(response.header("Location")).matches(path);
        containsNoForeignHost(response);
    }

    @Test
    void linksToTheNextPageByItsPath() throws IOException {
        assertThat(exchange("GET /orders?limit=1&user_id=" + user, EVIL, "").header("Link"))
                .matches("</orders\\?limit=1&user_id=" + user + "&after=\\d+>; rel=\"next\"");
        // A path that begins with two slashes would be read as a host.
        assertThat(exchange("GET //orders?limit=1", EVIL, "").header("Link"))
                .matches("</orders\\?limit=1&after=\\d+>; rel=\"next\"|");
    }

    /** What is not a host is refused or ignored; in particular it does not fail a call that has changed something. */
    @ParameterizedTest
    @ValueSource(strings = {"a b", "[", "[::1", "x:y", "a^b", "%", "a/b", "a@b", "é", "\"", "localhost:99999999999"})
    void doesNotFailOnANonsensicalHost(String host) throws IOException {
        for (String call : new String[] {"GET /orders?limit=1", "GET /nowhere", "POST /orders?user_id=" + user}) {
            String body = call.startsWith("POST") ? "{\"items\":{\"%s\":1}}".formatted(name) : "";

            RawHttp.Response response = exchange(call, host, body);

            assertThat(response.status()).as(call).isIn(200, 201, 400, 404);
        }
    }

    private static void containsNoForeignHost(RawHttp.Response response) {
        // Except for the path that does not exist, as the client wrote it.
        assertThat(response.text().replace("There is nothing at /" + EVIL, "")).doesNotContain(EVIL);
        assertThat(response.headers()).noneMatch(header -> header.contains(EVIL) || header.contains("//"));
    }

    private static RawHttp.Response exchange(String line, String host, String body) throws IOException {
        String request = line + " HTTP/1.1\r\nHost: " + host + "\r\nX-Forwarded-Host: " + EVIL + "\r\nForwarded: host="
                + EVIL + "\r\nX-Forwarded-Prefix: //" + EVIL + "\r\nContent-Type: application/json\r\nContent-Length: "
                + body.length() + "\r\n\r\n" + body;
        RawHttp.Response response = RawHttp.exchange(
                RestAssured.port, request.getBytes(StandardCharsets.ISO_8859_1), false, Duration.ofSeconds(30));
        assertThat(response).as(line + " with Host: " + host).isNotNull();
        return response;
    }
}
