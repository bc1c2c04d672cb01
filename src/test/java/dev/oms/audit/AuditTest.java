package dev.oms.audit;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.equalTo;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.job.Settling;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.path.json.JsonPath;
import jakarta.enterprise.inject.spi.CDI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The audit finds the damage that the tests do to the data, and nothing else. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class AuditTest {
    private final Settling settling = new Settling();

    private final Ledger ledger = OmsServers.ledger();

    private long item;
    private long order;

    @BeforeEach
    void setUp() {
        String name = Shop.uniqueName();
        item = Shop.item(name, 10, 0);
        order = Shop.order(Shop.user(), Map.of(name, 2));
        settling.settle(order);
        assertThat(found()).isEmpty();
    }

    private static List<Map<String, Object>> found() {
        JsonPath answer = given().get("/inventory_items/audit")
                .then()
                .statusCode(200)
                .contentType("application/json")
                .extract()
                .jsonPath();
        List<Map<String, Object>> discrepancies = answer.getList("discrepancies");
        assertThat(answer.getInt("count")).isEqualTo(discrepancies.size());
        return discrepancies;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            update inventory_items set quantity = 9 where id = :item | \
                update inventory_items set quantity = 8 where id = :item | QUANTITY item has 9, but its ledger adds up to 8
            update stock_movements set quantity_after = 7 where order_id = :order | \
                update stock_movements set quantity_after = 8 where order_id = :order | \
                QUANTITY_AFTER item order movement :id says 7, but the ledger adds up to 8
            update orders set status = 'Rejected' where id = :order | \
                update orders set status = 'Confirmed' where id = :order | \
                ORDER item order is Rejected, but its line of 2 moved by -2 (movements: 1)
            update orders set status = 'Pending', due = 'DEDUCTION' where id = :order | \
                update orders set status = 'Confirmed', due = null where id = :order | \
                ORDER item order is Pending, but its line of 2 moved by -2 (movements: 1)
            update orders set status = 'Cancelled' where id = :order | \
                update orders set status = 'Confirmed' where id = :order | \
                ORDER item order is Cancelled, but its line of 2 moved by -2 (movements: 1)
            update orders set due = 'DEDUCTION' where id = :order | \
                update orders set due = null where id = :order | DUE order is Confirmed with DEDUCTION due
            update order_lines set quantity = 3 where order_id = :order | \
                update order_lines set quantity = 2 where order_id = :order | \
                ORDER item order is Confirmed, but its line of 3 moved by -2 (movements: 1)
            delete from order_lines where order_id = :order | \
                insert into order_lines values (:order, :item, 2) | \
                STRAY item order movement :id belongs to no line of the order
            """)
    void reportsEachDiscrepancy(String damage, String repair, String expected) {
        ledger.execute(of(damage));
        try {
            List<Map<String, Object>> found = found();

            assertThat(found)
                    .singleElement()
                    .satisfies(discrepancy -> assertThat(discrepancy.get("kind")
                                    + (discrepancy.get("inventory_item_id") == null ? "" : " item")
                                    + (discrepancy.get("order_id") == null ? "" : " order")
                                    + " " + discrepancy.get("detail"))
                            .isEqualTo(of(expected)));
            assertThat(found.getFirst().get("inventory_item_id")).isIn((int) item, null);
            assertThat(found.getFirst().get("order_id")).isIn((int) order, null);
        } finally {
            ledger.execute(of(repair));
        }
        assertThat(found()).isEmpty();
    }

    private String of(String template) {
        return template.replace(":item", Long.toString(item))
                .replace(":order", Long.toString(order))
                .replace(
                        ":id",
                        ledger.texts("select id from stock_movements where order_id = " + order)
                                .getFirst());
    }

    @Test
    void streamsDiscrepanciesOverRest() {
        given().get("/inventory_items/audit")
                .then()
                .statusCode(200)
                .contentType("application/json")
                .body("count", equalTo(0))
                .body("discrepancies.size()", equalTo(0));
        ledger.execute("update inventory_items set quantity = quantity + 1 where id = " + item);
        ledger.execute("update orders set due = 'RESTORATION' where id = " + order);
        try {
            given().get("/inventory_items/audit")
                    .then()
                    .statusCode(200)
                    .body("count", equalTo(2))
                    .body("discrepancies.kind", containsInAnyOrder("QUANTITY", "DUE"));
        } finally {
            ledger.execute("update inventory_items set quantity = quantity - 1 where id = " + item);
            ledger.execute("update orders set due = null where id = " + order);
        }
    }

    @Test
    @DisabledOnIntegrationTest("A worker audits on its schedule only")
    void publishesTheirNumberAsAMetric() {
        AuditMetric metric = CDI.current().select(AuditMetric.class).get();
        ledger.execute("update inventory_items set quantity = quantity + 1 where id = " + item);
        try {
            metric.run();
            assertThat(given().get("/q/metrics").asString()).contains("oms_audit_discrepancies 1.0");
        } finally {
            ledger.execute("update inventory_items set quantity = quantity - 1 where id = " + item);
        }
        metric.run();
        assertThat(given().get("/q/metrics").asString()).contains("oms_audit_discrepancies 0.0");
    }
}
