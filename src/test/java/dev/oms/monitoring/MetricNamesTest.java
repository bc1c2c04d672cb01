package dev.oms.monitoring;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.webhook.TestWebhooks;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Compares the metrics in the dashboard and the alerts with those that OMS exports, here with both roles in one
 * process.
 */
@QuarkusTest
@TestProfile(MetricNamesTest.WithWebhooks.class)
@WithTestResource(OmsServers.class)
class MetricNamesTest {
    /** A worker that sends webhooks. */
    public static final class WithWebhooks implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("oms.webhooks.dispatcher.every", "1s");
        }
    }

    // A webhook for events that do not occur here: nothing is sent to it.
    @BeforeEach
    void addWebhook() {
        TestWebhooks.deleteAll(OmsServers.ledger());
        given().contentType("application/json")
                .body(Map.of("url", "http://127.0.0.1/oms", "types", List.of("order.delivered")))
                .post("/webhooks")
                .then()
                .statusCode(201);
        await().atMost(Duration.ofSeconds(60)).until(() -> metrics().contains("oms_webhooks_lag_seconds{"));
    }

    @AfterEach
    void deleteWebhooks() {
        TestWebhooks.deleteAll(OmsServers.ledger());
    }

    private static final Pattern SAMPLE = Pattern.compile("^[a-z][a-z0-9_]*", Pattern.MULTILINE);
    private static final Pattern FAMILY =
            Pattern.compile("^# TYPE (oms_[a-z0-9_]*?)(_max|_total)? ", Pattern.MULTILINE);

    @Test
    void queriesOnlyMetricsThatOmsExports() throws IOException {
        String exported = metricsAfterAnOrder();

        assertThat(MonitoringFiles.metrics()).isNotEmpty().isSubsetOf(find(SAMPLE, exported));
    }

    @Test
    void queriesEveryMetricThatOmsExports() throws IOException {
        String exported = metricsAfterAnOrder();

        Set<String> queried = MonitoringFiles.metrics();
        assertThat(find(FAMILY, exported))
                .isNotEmpty()
                .allSatisfy(family -> assertThat(queried).anyMatch(metric -> metric.startsWith(family)));
    }

    /** Prometheus 3.0 and later reject a scrape without a content type that they know. */
    @Test
    void answersPrometheusWithAKnownContentType() {
        String accepted = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "application/openmetrics-text;version=0.0.1;q=0.5,"
                + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

        String type = OmsServers.management()
                .header("Accept", accepted)
                .get("/q/metrics")
                .contentType();

        assertThat(type).matches("application/openmetrics-text; ?version=1\\.0\\.0.*|text/plain; ?version=0\\.0\\.4.*");
    }

    private static String metricsAfterAnOrder() {
        String name = Shop.uniqueName();
        Shop.item(name, 1, 0);
        Shop.settled(Shop.order(Shop.user(), Map.of(name, 1)));
        return metrics();
    }

    private static String metrics() {
        return OmsServers.management()
                .get("/q/metrics")
                .then()
                .statusCode(200)
                .extract()
                .asString();
    }

    private static Set<String> find(Pattern pattern, String text) {
        return pattern.matcher(text)
                .results()
                .map(match -> match.group(match.groupCount() == 0 ? 0 : 1))
                .collect(Collectors.toSet());
    }
}
