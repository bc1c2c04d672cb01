package dev.oms.monitoring;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The configuration files of Prometheus and Grafana, parsed into trees. */
final class MonitoringFiles {
    static final Path CONFIG = Path.of("src/main/monitoring/prometheus/prometheus.yml");
    static final Path ALERTS = Path.of("src/main/monitoring/prometheus/alerts.yml");
    static final Path ALERT_TESTS = Path.of("src/test/monitoring/alerts-test.yml");
    static final Path DATA_SOURCE = Path.of("src/main/monitoring/grafana/datasources/prometheus.yml");
    static final Path DASHBOARD = Path.of("src/main/monitoring/grafana/dashboards/oms.json");

    private static final Pattern BRACKETED = Pattern.compile("\"[^\"]*\"|\\{[^}]*}|\\[[^]]*]|\\bby\\s*\\([^)]*\\)");
    private static final Pattern METRIC_NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*+(?!\\s*\\()");

    private MonitoringFiles() {}

    static JsonNode yaml(Path file) throws IOException {
        Object document = new Yaml(new SafeConstructor(new LoaderOptions())).load(Files.readString(file));
        return new ObjectMapper().valueToTree(document);
    }

    static JsonNode dashboard() throws IOException {
        return new ObjectMapper().readTree(Files.readString(DASHBOARD));
    }

    static List<JsonNode> alerts() throws IOException {
        return yaml(ALERTS).at("/groups/0/rules").valueStream().toList();
    }

    /** The dashboard's queries, with an interval in place of Grafana's variable. */
    static List<String> dashboardQueries() throws IOException {
        return dashboard().findValues("expr").stream()
                .map(expr -> expr.asText().replace("$__rate_interval", "1m"))
                .toList();
    }

    /** All metrics in the queries of the dashboard and the alerts, except those that Prometheus generates itself. */
    static Set<String> metrics() throws IOException {
        Stream<String> queries = Stream.concat(
                dashboardQueries().stream(),
                alerts().stream().map(alert -> alert.path("expr").asText()));
        Set<String> metrics =
                queries.flatMap(query -> metrics(query).stream()).collect(Collectors.toCollection(TreeSet::new));
        metrics.removeAll(Set.of("up", "ALERTS"));
        return metrics;
    }

    /** The metrics in a query: every name that is neither a label nor a function. */
    static Set<String> metrics(String query) {
        return METRIC_NAME
                .matcher(BRACKETED.matcher(query).replaceAll(""))
                .results()
                .map(MatchResult::group)
                .filter(name -> !name.equals("unless"))
                .collect(Collectors.toSet());
    }
}
