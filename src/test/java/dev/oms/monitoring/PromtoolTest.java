package dev.oms.monitoring;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Checks the files of Prometheus and the dashboard's queries with promtool. */
@Tag("full")
@EnabledIf(
        value = "dev.oms.monitoring.Promtool#isInstalled",
        disabledReason = "There is no promtool on the PATH; Debian has it in the package \"prometheus\"")
class PromtoolTest {
    /** Including the rule files that it refers to. */
    @Test
    void acceptsTheConfiguration() throws IOException, InterruptedException {
        Promtool.run("check", "config", MonitoringFiles.CONFIG.toString());
    }

    @Test
    void passesTheAlertTests() throws IOException, InterruptedException {
        Promtool.run("test", "rules", MonitoringFiles.ALERT_TESTS.toString());
    }

    @Test
    void acceptsEveryDashboardQuery(@TempDir Path directory) throws IOException, InterruptedException {
        List<String> queries = MonitoringFiles.dashboardQueries();
        List<Map<String, String>> rules = IntStream.range(0, queries.size())
                .mapToObj(i -> Map.of("record", "query_" + i, "expr", queries.get(i)))
                .toList();
        Path file = directory.resolve("queries.yml");
        // JSON is YAML.
        Files.writeString(
                file,
                new ObjectMapper()
                        .writeValueAsString(Map.of("groups", List.of(Map.of("name", "dashboard", "rules", rules)))));

        Promtool.run("check", "rules", file.toString());
    }
}
