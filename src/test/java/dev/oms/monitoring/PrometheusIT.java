package dev.oms.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.oms.Shop;
import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import io.restassured.RestAssured;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** A real Prometheus scrapes a packaged web process and a worker, with the production configuration files. */
@Tag("full")
@EnabledIf(
        value = "isInstalled",
        disabledReason = "There is no prometheus on the PATH; Debian has it in the package \"prometheus\"")
class PrometheusIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    @TempDir
    private static Path directory;

    private static EmbeddedServers servers;
    private static OmsProcess web;
    private static OmsProcess worker;
    private static Child prometheus;
    private static String address;
    private static int portBefore;

    static boolean isInstalled() {
        return Child.find("prometheus").isPresent();
    }

    @BeforeAll
    static void start() throws IOException {
        servers = EmbeddedServers.start();
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("OMS_SECRETS_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        settings.put("OMS_WEBHOOKS_ALLOW", "127.0.0.1");
        web = new OmsProcess("prometheus-web", "prod", settings);
        worker = new OmsProcess("prometheus-worker", "worker", settings);
        web.start();
        web.awaitReady();
        worker.start();
        worker.awaitReady();
        address = "127.0.0.1:" + OmsProcess.freePort();
        prometheus = Child.start(
                Path.of("target/processes/prometheus.log"),
                Map.of(),
                List.of(
                        "prometheus",
                        "--config.file=" + config(),
                        "--storage.tsdb.path=" + directory.resolve("data"),
                        "--web.listen-address=" + address));
        portBefore = RestAssured.port;
        RestAssured.port = web.uri("").getPort();
        await().atMost(Duration.ofMinutes(1))
                .ignoreExceptionsInstanceOf(ConnectException.class)
                .until(() -> get("rules").contains("success"));
    }

    /** The production configuration, with the addresses of the processes here and shorter intervals. */
    private static Path config() throws IOException {
        ObjectNode config = (ObjectNode) MonitoringFiles.yaml(MonitoringFiles.CONFIG);
        config.putArray("rule_files")
                .add(MonitoringFiles.ALERTS.toAbsolutePath().toString());
        ((ObjectNode) config.path("global"))
                .put("scrape_interval", "1s")
                .put("scrape_timeout", "1s")
                .put("evaluation_interval", "1s");
        ObjectNode scrape = (ObjectNode) config.at("/scrape_configs/0");
        scrape.remove(List.of("dns_sd_configs", "relabel_configs"));
        Map<String, OmsProcess> processes = Map.of("web", web, "worker", worker);
        scrape.set(
                "static_configs",
                JSON.valueToTree(processes.entrySet().stream()
                        .map(entry -> Map.of(
                                "targets",
                                        List.of(entry.getValue()
                                                .managementUri("")
                                                .getAuthority()),
                                "labels", Map.of("role", entry.getKey())))
                        .toList()));
        // JSON is YAML.
        return Files.writeString(directory.resolve("prometheus.yml"), config.toString());
    }

    @AfterAll
    static void stop() {
        RestAssured.port = portBefore;
        for (AutoCloseable process : new AutoCloseable[] {prometheus, worker, web}) {
            close(process);
        }
        if (servers != null) {
            servers.stop();
        }
    }

    private static void close(AutoCloseable process) {
        try {
            if (process != null) {
                process.close();
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void returnsDataForEveryDashboardQuery() throws IOException {
        List<String> queries = new ArrayList<>(MonitoringFiles.dashboardQueries());
        // No alert should be firing here.
        queries.removeIf(query -> query.contains("ALERTS"));
        Map<String, String> empty = new TreeMap<>();
        String name = Shop.uniqueName();
        Shop.item(name, 1_000, 2_000);
        long user = Shop.user();
        // It fails: nobody listens there.
        RestAssured.given()
                .contentType("application/json")
                .body(Map.of("url", "http://127.0.0.1:" + OmsProcess.freePort()))
                .post("/webhooks")
                .then()
                .statusCode(201);

        await().atMost(Duration.ofMinutes(3))
                .pollInterval(Duration.ofMillis(500))
                .untilAsserted(() -> {
                    Shop.settled(Shop.order(user, Map.of(name, 1)));
                    RestAssured.get("/orders/0").then().statusCode(404);
                    empty.clear();
                    for (String query : queries) {
                        String response = get("query?query=" + URLEncoder.encode(query, StandardCharsets.UTF_8));
                        if (!hasNumber(response)) {
                            empty.put(query, response);
                        }
                    }
                    assertThat(empty).isEmpty();
                });
    }

    private static boolean hasNumber(String response) throws IOException {
        return JSON.readTree(response)
                .at("/data/result")
                .valueStream()
                .anyMatch(series -> Double.isFinite(series.at("/value/1").asDouble(Double.NaN)));
    }

    @Test
    void evaluatesEveryAlert() throws IOException {
        await().atMost(Duration.ofMinutes(3)).untilAsserted(() -> {
            JsonNode rules = JSON.readTree(get("rules")).at("/data/groups/0/rules");
            assertThat(rules)
                    .hasSameSizeAs(MonitoringFiles.alerts())
                    .allSatisfy(rule -> assertThat(rule.path("health").asText()).isEqualTo("ok"));
        });
    }

    private static String get(String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://" + address + "/api/v1/" + path);
        return CLIENT.send(
                        HttpRequest.newBuilder(uri)
                                .timeout(Duration.ofSeconds(10))
                                .build(),
                        BodyHandlers.ofString())
                .body();
    }
}
