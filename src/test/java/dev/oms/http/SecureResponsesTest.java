package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every response tells browsers and caches what they must not do with it. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class SecureResponsesTest {
    private static void isSecure(Response response, String cacheControl) {
        assertThat(response.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(response.header("Content-Security-Policy")).contains("frame-ancestors 'none'");
        assertThat(response.headers().getValues("Cache-Control")).containsExactly(cacheControl);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/orders?limit=0", "/orders/999999999999", "/jobs", "/nowhere", "/up", "/q/openapi"})
    void withoutETag(String path) {
        isSecure(given().get(path), "no-store");
    }

    @Test
    void withETag() {
        long item = Shop.item(Shop.uniqueName(), 1, 1);

        Response response = given().get("/inventory_items/{id}", item);
        isSecure(response, "private, no-cache");
        isSecure(
                given().header("If-None-Match", response.header("ETag")).get("/inventory_items/{id}", item),
                "private, no-cache");
        isSecure(given().header("If-Match", "\"77\"").delete("/orders/1"), "no-store");
        for (String list : new String[] {"/orders?limit=1", "/orders.json?limit=1", "/inventory_items?limit=1"}) {
            isSecure(given().get(list), "private, no-cache");
        }
    }

    @Test
    void pages() {
        isSecure(given().get("/console/"), "no-cache");
        isSecure(given().redirects().follow(false).get("/console"), "no-store");
        isSecure(given().get("/q/swagger-ui/"), "no-store");
        isSecure(given().redirects().follow(false).get("/q/swagger-ui"), "no-store");
    }

    /** The console's, except that scripts and styles may be part of the page. */
    @Test
    @DisabledOnIntegrationTest("In production there is no Swagger UI")
    void swaggerUi() {
        Response console = given().get("/console/");
        Response swaggerUi = given().get("/q/swagger-ui/");

        assertThat(swaggerUi.statusCode()).isEqualTo(200);
        assertThat(swaggerUi.header("Content-Security-Policy").replace(" 'unsafe-inline'", ""))
                .isEqualTo(console.header("Content-Security-Policy"))
                .contains("default-src 'none'");
        assertThat(swaggerUi.header("Referrer-Policy")).isEqualTo("no-referrer");
    }

    @Test
    void refusedBeforeAnythingElse() throws IOException {
        for (String head : new String[] {
            "GET /orders?x=" + "x".repeat(8_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /orders HTTP/1.1\r\n\r\n"
        }) {
            RawHttp.Response response = RawHttp.exchange(
                    RestAssured.port, head.getBytes(StandardCharsets.ISO_8859_1), false, Duration.ofSeconds(10));

            assertThat(response.status()).isIn(400, 414);
            for (Map.Entry<String, String> header : Map.of(
                            "X-Content-Type-Options", "nosniff",
                            "Content-Security-Policy", "frame-ancestors 'none'",
                            "Cache-Control", "no-store")
                    .entrySet()) {
                assertThat(response.header(header.getKey())).isEqualTo(header.getValue());
            }
        }
    }
}
