package dev.oms.monitoring;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The dashboard and the alerts, held to what the running application shows; here it is both roles. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class MetricNamesTest {
    private static final Pattern SAMPLE = Pattern.compile("^[a-z][a-z0-9_]*", Pattern.MULTILINE);
    private static final Pattern FAMILY =
            Pattern.compile("^# TYPE (oms_[a-z0-9_]*?)(_max|_total)? ", Pattern.MULTILINE);

    @Test
    void asksForNothingThatOmsDoesNotShow() throws IOException {
        String shown = metricsAfterAnOrder();

        assertThat(MonitoringFiles.metrics()).isNotEmpty().isSubsetOf(found(SAMPLE, shown));
    }

    @Test
    void leavesOutNothingThatOmsShows() throws IOException {
        String shown = metricsAfterAnOrder();

        Set<String> asked = MonitoringFiles.metrics();
        assertThat(found(FAMILY, shown))
                .isNotEmpty()
                .allSatisfy(family -> assertThat(asked).anyMatch(metric -> metric.startsWith(family)));
    }

    private static String metricsAfterAnOrder() {
        String name = Shop.uniqueName();
        Shop.item(name, 1, 0);
        Shop.settled(Shop.order(Shop.user(), Map.of(name, 1)));
        return given().get("/q/metrics").then().statusCode(200).extract().asString();
    }

    private static Set<String> found(Pattern pattern, String text) {
        return pattern.matcher(text)
                .results()
                .map(match -> match.group(match.groupCount() == 0 ? 0 : 1))
                .collect(Collectors.toSet());
    }
}
