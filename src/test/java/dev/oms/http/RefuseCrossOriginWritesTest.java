package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.specification.RequestSpecification;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a browser sends for a page of another origin, of this origin, and for no page. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class RefuseCrossOriginWritesTest {
    private long order;

    @BeforeEach
    void placeAnOrder() {
        String name = Shop.uniqueName();
        Shop.item(name, 10, 0);
        order = Shop.order(Shop.user(), Map.of(name, 1));
        Shop.settled(order);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cross-site", "same-site", "what a later browser says"})
    void refusesAnotherSite(String site) {
        given("Sec-Fetch-Site", site)
                // Decided by the other header alone.
                .header("Origin", "http://localhost:" + RestAssured.port)
                .post("/orders/{id}/cancel", order)
                .then()
                .statusCode(403)
                .contentType("application/problem+json")
                .body("detail", containsString("another origin"));

        assertThat(Shop.status(order)).isEqualTo("Confirmed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"same-origin", "none"})
    void letsItsOwnPagesAndTheUserIn(String site) {
        // Behind a gateway that does not pass on the host, Origin is another.
        given("Sec-Fetch-Site", site)
                .header("Origin", "https://shop.example")
                .post("/orders/{id}/cancel", order)
                .then()
                .statusCode(200);
    }

    @Test
    void letsProgramsIn() {
        RestAssured.given().post("/orders/{id}/cancel", order).then().statusCode(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://evil.example",
                "http://localhost",
                "http://localhost:1",
                "http://localhost.evil.example",
                "http://localhost@evil.example",
                "null",
                "",
                "localhost",
                "%"
            })
    void refusesAnotherOriginFromABrowserThatSaysNoMore(String origin) {
        given("Origin", origin).post("/orders/{id}/cancel", order).then().statusCode(403);

        assertThat(Shop.status(order)).isEqualTo("Confirmed");
    }

    @ParameterizedTest
    @CsvSource({
        "localhost:3000, http://localhost:3000",
        "shop.example, https://shop.example",
        "Shop.example:443, https://shop.example",
        "shop.example, http://SHOP.example",
        "[::1]:3000, http://[::1]:3000"
    })
    void letsItsOwnOriginIn(String host, String origin) throws IOException {
        assertThat(cancelFrom(host, origin)).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({"shop.example:3000, https://shop.example", "shop.example, http://shop.example:8080"})
    void refusesAnotherPort(String host, String origin) throws IOException {
        assertThat(cancelFrom(host, origin)).isEqualTo(403);
    }

    @Test
    void leavesAHostThatIsNoneToTheHttpServer() throws IOException {
        assertThat(cancelFrom("[", "http://[")).isEqualTo(400);
        assertThat(Shop.status(order)).isEqualTo("Confirmed");
    }

    private int cancelFrom(String host, String origin) throws IOException {
        String request = "POST /orders/%d/cancel HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nContent-Length: 0\r\n\r\n"
                .formatted(order, host, origin);
        return RawHttp.exchange(
                        RestAssured.port, request.getBytes(StandardCharsets.ISO_8859_1), false, Duration.ofSeconds(30))
                .status();
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "PATCH", "DELETE"})
    void refusesEveryMethodThatChangesSomething(String method) {
        for (String path : new String[] {"/orders", "/inventory_items/1", "/users", "/jobs/failed/1", "/nowhere"}) {
            given("Sec-Fetch-Site", "cross-site")
                    .contentType("application/json")
                    .body("{}")
                    .request(method, path)
                    .then()
                    .statusCode(403);
        }
    }

    @Test
    void answersReads() {
        given("Sec-Fetch-Site", "cross-site")
                .header("Origin", "https://evil.example")
                .get("/orders/{id}", order)
                .then()
                .statusCode(200);
    }

    private static RequestSpecification given(String header, String value) {
        return RestAssured.given().header(header, value);
    }
}
