package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code http_server_requests_seconds}: its series do not depend on what clients send. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class HttpMetricsTest {
    @Test
    void isAHistogramLabelledByPathTemplate() {
        long user = Shop.user();
        given().get("/users/{id}", user).then().statusCode(200);

        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> assertThat(series())
                        .anyMatch(line -> line.startsWith("http_server_requests_seconds_bucket")
                                && line.contains("uri=\"/users/{id}\"")
                                && line.contains("le=\"0.01\"")));
    }

    @Test
    void takesNoLabelValuesFromClients() throws IOException {
        for (int i = 0; i < 3; i++) {
            String mark = "fuzz" + i;
            List<String> heads = List.of(
                    "GET /" + mark,
                    "GET /users/" + mark,
                    "GET /orders/" + mark + "/movements",
                    "GET /orders/{" + mark + "}",
                    "GET /q/" + mark,
                    "GET /console/" + mark,
                    "GET /jobs?" + mark + "=1",
                    "PATCH /orders/1" + i + mark,
                    mark.toUpperCase() + " /orders",
                    mark.toUpperCase() + " /orders/7",
                    "DELETE /orders/" + mark,
                    "OPTIONS /orders/" + mark,
                    "HEAD /" + mark + "/x",
                    "GET /" + mark + "?" + "x".repeat(9_000),
                    "GET /%2e%2e/" + mark,
                    "POST /users/" + mark + "/orders");
            for (String head : heads) {
                RawHttp.exchange(
                        RestAssured.port,
                        (head + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                                .getBytes(StandardCharsets.ISO_8859_1),
                        head.startsWith("HEAD"),
                        Duration.ofSeconds(10));
            }
        }

        Set<String> series = series();

        assertThat(series).isNotEmpty().noneMatch(line -> line.toLowerCase().contains("fuzz"));
        Set<String> paths = series.stream()
                .map(line -> line.replaceAll(".*uri=\"([^\"]*)\".*", "$1"))
                .collect(Collectors.toSet());
        assertThat(paths)
                .isSubsetOf(Stream.concat(HttpMetrics.PATHS.stream(), Stream.of("OTHER"))
                        .toList());
    }

    @Test
    void leavesOutTheHealthCheckOfRails() {
        double before = count("/order_statuses");
        double others = count("OTHER");
        for (int i = 0; i < 5; i++) {
            given().get("/up").then().statusCode(200);
        }
        given().get("/order_statuses").then().statusCode(200);

        await().atMost(Duration.ofSeconds(20)).until(() -> count("/order_statuses") == before + 1);
        assertThat(count("OTHER")).isEqualTo(others);
    }

    /** Their duration is not latency, also that of a client that hangs up while it waits. */
    @Test
    void labelsTheCallsThatAskToWait() throws IOException {
        String label = "prefer=\"wait\"";
        String unanswered = "GET /orders/%d HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\nPrefer: wait=30\r\n\r\n";
        String name = Shop.uniqueName();
        Shop.item(name, 1, 0);
        long order = Shop.order(Shop.user(), Map.of(name, 1));
        Shop.settled(order);
        double before = count("/orders/{id}", "200", label);
        double gone = count("/orders/{id}", "400", label);
        double others = count("/orders/{id}", "200", "prefer=\"none\"");

        given().header("Prefer", "respond-async")
                .get("/orders/{id}", order)
                .then()
                .statusCode(200);
        given().header("Prefer", "respond-async, wait=9")
                .get("/orders/{id}", order)
                .then()
                .statusCode(200);
        try (Socket client = new Socket("localhost", RestAssured.port)) {
            client.getOutputStream().write(unanswered.formatted(order).getBytes(StandardCharsets.US_ASCII));
            await().until(() ->
                    OmsServers.management().get("/q/metrics").asString().contains("oms_calls_waiting 1.0"));
        }

        await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            assertThat(count("/orders/{id}", "200", label)).isEqualTo(before + 1);
            assertThat(count("/orders/{id}", "400", label)).isEqualTo(gone + 1);
            assertThat(count("/orders/{id}", "200", "prefer=\"none\"")).isEqualTo(others + 1);
        });
    }

    private static double count(String path) {
        return count(path, "200", "");
    }

    private static double count(String path, String status, String label) {
        return series().stream()
                .filter(line -> line.startsWith("http_server_requests_seconds_count")
                        && line.contains("uri=\"" + path + "\"")
                        && line.contains("status=\"" + status + "\"")
                        && line.contains(label))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private static Set<String> series() {
        return OmsServers.management()
                .get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith("http_server_requests_seconds"))
                .collect(Collectors.toSet());
    }
}
