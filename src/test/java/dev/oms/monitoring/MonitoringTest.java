package dev.oms.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Checks that the files of Prometheus, Grafana and compose agree with each other, as nothing else does. */
class MonitoringTest {
    private final JsonNode compose = MonitoringFiles.yaml(Path.of("docker-compose.yml"));
    private final JsonNode dashboard = MonitoringFiles.dashboard();

    MonitoringTest() throws IOException {}

    @Test
    void findsMetricsInAQuery() {
        assertThat(MonitoringFiles.metrics(
                        "sum by (uri, le) (rate(a_total{job=\"oms\", x=~\"y z\"}[1m])) / max(b) + up{} * 0.99"))
                .containsExactlyInAnyOrder("a_total", "b", "up");
    }

    @Test
    void givesEveryAlertADurationASeverityAndInstructions() throws IOException {
        for (JsonNode alert : MonitoringFiles.alerts()) {
            assertThat(alert.path("alert").asText()).isNotEmpty();
            assertThat(alert.path("for").asText()).matches("\\d+[sm]");
            assertThat(alert.at("/labels/severity").asText()).isIn("critical", "warning");
            assertThat(alert.at("/annotations/summary").asText()).isNotEmpty();
            assertThat(alert.at("/annotations/description").asText())
                    .as(alert.path("alert").asText())
                    // Tells where to look, not only that something is wrong.
                    .containsPattern("GET /|/q/|OMS_");
        }
    }

    @Test
    void testsThatEveryAlertFires() throws IOException {
        String tests = Files.readString(MonitoringFiles.ALERT_TESTS);

        assertThat(MonitoringFiles.alerts())
                .isNotEmpty()
                .allSatisfy(alert -> assertThat(tests)
                        .contains("ALERTS{alertname=\"%s\", alertstate=\"firing\""
                                .formatted(alert.path("alert").asText())));
    }

    @Test
    void laysOutPanelsWithoutGapsOrOverlaps() {
        Set<String> cells = new HashSet<>();
        int height = 0;
        for (JsonNode panel : dashboard.path("panels")) {
            JsonNode grid = panel.path("gridPos");
            assertThat(grid.path("x").asInt() + grid.path("w").asInt()).isLessThanOrEqualTo(24);
            height = Math.max(height, grid.path("y").asInt() + grid.path("h").asInt());
            for (int x = 0; x < grid.path("w").asInt(); x++) {
                for (int y = 0; y < grid.path("h").asInt(); y++) {
                    assertThat(cells.add((grid.path("x").asInt() + x) + ","
                                    + (grid.path("y").asInt() + y)))
                            .as(panel.path("title").asText())
                            .isTrue();
                }
            }
        }
        assertThat(cells).hasSize(24 * height);
        assertThat(dashboard.at("/panels").findValuesAsText("id")).doesNotHaveDuplicates();
    }

    @Test
    void usesTheProvisionedDataSource() throws IOException {
        JsonNode dataSource = MonitoringFiles.yaml(MonitoringFiles.DATA_SOURCE).at("/datasources/0");

        assertThat(dashboard.path("panels"))
                .isNotEmpty()
                .allSatisfy(panel -> assertThat(panel.at("/datasource/uid")).isEqualTo(dataSource.path("uid")));
        assertThat(dataSource.path("url").asText()).isEqualTo("http://prometheus:9090");
        assertThat(dataSource.at("/jsonData/timeInterval"))
                .isEqualTo(MonitoringFiles.yaml(MonitoringFiles.CONFIG).at("/global/scrape_interval"));
        // $__rate_interval, which is replaced here, is the only Grafana variable that the tests handle.
        assertThat(MonitoringFiles.dashboardQueries()).noneMatch(query -> query.contains("$"));
    }

    @Test
    void scrapesTheServicesOfCompose() throws IOException {
        JsonNode scrape = MonitoringFiles.yaml(MonitoringFiles.CONFIG).at("/scrape_configs/0");
        JsonNode dns = scrape.at("/dns_sd_configs/0");

        assertThat(scrape.path("job_name").asText()).isEqualTo("oms");
        assertThat(scrape.path("metrics_path").asText()).isEqualTo("/q/metrics");
        assertThat(dns.path("names")).extracting(JsonNode::asText).containsExactly("web", "worker");
        assertThat(Files.readString(Path.of("src/main/resources/application.properties")))
                .contains("quarkus.management.port=" + dns.path("port").asText() + "\n");
    }

    @Test
    void isReachableOnlyFromThisHostInCompose() {
        for (String name : List.of("prometheus", "grafana")) {
            JsonNode service = compose.path("services").path(name);
            assertThat(service.path("profiles")).extracting(JsonNode::asText).containsExactly("monitoring");
            assertThat(service.path("image").asText()).matches("(prom|grafana)/" + name + ":v?\\d+\\.\\d+\\.\\d+");
            assertThat(service.path("ports"))
                    .isNotEmpty()
                    .allSatisfy(port -> assertThat(port.asText()).startsWith("${OMS_MONITORING_ADDRESS:-127.0.0.1}:"));
        }
        JsonNode grafana = compose.at("/services/grafana/environment");
        assertThat(grafana.path("GF_AUTH_ANONYMOUS_ORG_ROLE").asText()).isEqualTo("Viewer");
        assertThat(grafana.path("GF_AUTH_BASIC_ENABLED").asText()).isEqualTo("false");
    }

    /** Docker silently creates an empty directory for a path that does not exist. */
    @Test
    void mountsExistingDirectories() {
        List<String> mounted = new ArrayList<>();
        for (String name : List.of("prometheus", "grafana")) {
            for (JsonNode volume : compose.path("services").path(name).path("volumes")) {
                if (volume.asText().startsWith("./")) {
                    mounted.add(volume.asText().split(":")[0]);
                }
            }
        }

        assertThat(mounted)
                .hasSize(3)
                .allSatisfy(path -> assertThat(Path.of(path)).isNotEmptyDirectory());
    }
}
