package dev.oms.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code /q/metrics}, with the scheduled consumer. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class MetricsTest {
    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;

    @BeforeEach
    void setUp() {
        ledger.awaitSettled();
        ledger.execute("truncate failed_jobs");
        user = Shop.user();
        name = Shop.uniqueName();
        Shop.item(name, 5, 0);
    }

    @Test
    void countsPlacementsByOutcome() {
        double placed = value("oms_orders_placed_total{outcome=\"placed\"}");
        double replayed = value("oms_orders_placed_total{outcome=\"replayed\"}");
        double refused = value("oms_orders_placed_total{outcome=\"refused\"}");

        place(user, "{\"items\":{\"%s\":1}}".formatted(name), "k");
        place(user, "{\"items\":{\"%s\":1}}".formatted(name), "k");
        place(user, "{\"items\":{\"%s\":1}}".formatted(name), "l");
        place(user, "{\"items\":{\"nothing of ours\":1}}", "m");
        place(user, "{", "n");
        place(999_999_999_999L, "{\"items\":{\"%s\":1}}".formatted(name), "o");

        assertThat(value("oms_orders_placed_total{outcome=\"placed\"}") - placed)
                .isEqualTo(2);
        assertThat(value("oms_orders_placed_total{outcome=\"replayed\"}") - replayed)
                .isEqualTo(1);
        assertThat(value("oms_orders_placed_total{outcome=\"refused\"}") - refused)
                .isEqualTo(3);
    }

    private static void place(long user, String body, String key) {
        given().contentType(ContentType.JSON)
                .queryParam("user_id", user)
                .header("Idempotency-Key", key)
                .body(body)
                .post("/orders");
    }

    @Test
    void countsSettledOrdersAndTheirLatency() {
        double confirmed = value("oms_orders_settled_total{outcome=\"confirmed\"}");
        double rejected = value("oms_orders_settled_total{outcome=\"rejected\"}");
        double restored = value("oms_orders_settled_total{outcome=\"restored\"}");
        double waited = value("oms_settlement_latency_seconds_count");

        long order = Shop.order(user, Map.of(name, 2));
        assertThat(Shop.settled(order)).isEqualTo("Confirmed");
        assertThat(Shop.settled(Shop.order(user, Map.of(name, 9)))).isEqualTo("Rejected");
        Shop.cancel(order).then().statusCode(200);
        ledger.awaitSettled();

        await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            assertThat(value("oms_orders_settled_total{outcome=\"confirmed\"}") - confirmed)
                    .isEqualTo(1);
            assertThat(value("oms_orders_settled_total{outcome=\"rejected\"}") - rejected)
                    .isEqualTo(1);
            assertThat(value("oms_orders_settled_total{outcome=\"restored\"}") - restored)
                    .isEqualTo(1);
            assertThat(value("oms_settlement_latency_seconds_count") - waited).isEqualTo(3);
            assertThat(value("oms_settlement_latency_seconds_bucket{le=\"+Inf\"}"))
                    .isEqualTo(value("oms_settlement_latency_seconds_count"));
            assertThat(value("oms_batch_orders_sum"))
                    .isEqualTo(value("oms_orders_settled_total{outcome=\"confirmed\"}")
                            + value("oms_orders_settled_total{outcome=\"rejected\"}")
                            + value("oms_orders_settled_total{outcome=\"restored\"}"));
            assertThat(value("oms_batch_seconds_count")).isEqualTo(value("oms_batch_orders_count"));
        });
    }

    @Test
    void publishesGaugesOfSharedState() {
        ledger.execute("insert into failed_jobs values (900001, 3, 'no', now() + interval '1 day', null),"
                + " (900002, 25, 'no', null, now()), (900003, 25, 'no', null, now())");
        Shop.item(Shop.uniqueName(), 0, 1);
        long low = ledger.count("inventory_items where quantity < threshold and archived_at is null");

        await().atMost(Duration.ofSeconds(40)).untilAsserted(() -> {
            assertThat(value("oms_jobs_failed")).isEqualTo(1);
            assertThat(value("oms_jobs_dead")).isEqualTo(2);
            assertThat(value("oms_items_low_stock")).isEqualTo(low);
            assertThat(value("oms_queue_depth")).isZero();
            assertThat(value("oms_queue_oldest_age_seconds")).isZero();
            assertThat(value("oms_queue_in_flight")).isZero();
            assertThat(value("oms_workers")).isPositive();
        });
    }

    @Test
    void documentsEveryMetricOfItsOwn() throws IOException {
        String page = Files.readString(Path.of("src/site/markdown/operating.md"));

        assertThat(OmsServers.management().get("/q/metrics").asString().lines())
                .filteredOn(line -> line.startsWith("# HELP oms_"))
                .isNotEmpty()
                .allSatisfy(line -> {
                    String[] parts = line.split(" ", 4);
                    assertThat(parts).as(line).hasSize(4);
                    assertThat(page).contains("`" + parts[2].replaceFirst("_max$", ""));
                });
    }

    private static double value(String series) {
        return OmsServers.management()
                .get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith(series + " "))
                .map(line -> Double.valueOf(line.substring(series.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("There is no " + series));
    }
}
