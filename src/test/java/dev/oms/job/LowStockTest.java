package dev.oms.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.inventory.LowStock;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The log line by which a shop learns that it must reorder an item. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class LowStockTest {
    @Inject
    SettleStock settleStock;

    private final String name = Shop.uniqueName();
    private long user;
    private long item;

    @BeforeEach
    void addItem() {
        user = Shop.user();
        item = Shop.item(name, 6, 5);
    }

    @Test
    void warnsOnceWhenADeductionCrossesTheThreshold() {
        assertThat(linesOf(() -> {
                    for (int i = 0; i < 3; i++) {
                        settleStock.settle(List.of(Shop.order(user, Map.of(name, 1))));
                    }
                }))
                .containsExactly(warning(4, 5));
    }

    @Test
    void warnsOnceWhenAnAdjustmentCrossesTheThreshold() {
        assertThat(linesOf(() -> {
                    for (int delta : List.of(-1, -1, -1, -9, 2, -1)) {
                        given().contentType(ContentType.JSON)
                                .body(Map.of("delta", delta, "reason", "damaged"))
                                .post("/inventory_items/{id}/adjust", item);
                    }
                }))
                // To 5, 4, 3, refused, 5, 4.
                .containsExactly(warning(4, 5), warning(4, 5));
    }

    @Test
    void warnsOnceWhenAChangeCrossesTheThreshold() {
        assertThat(linesOf(() -> {
                    put(Map.of("quantity", 5));
                    put(Map.of("quantity", 4));
                    put(Map.of("quantity", 3));
                    put(Map.of("threshold", 3));
                    put(Map.of("threshold", 9));
                }))
                .containsExactly(warning(4, 5), warning(3, 9));
    }

    @Test
    void doesNotWarnOfAChangeThatIsRefused() {
        String taken = Shop.uniqueName();
        Shop.item(taken, 1, 0);

        assertThat(linesOf(() -> put(Map.of("quantity", 4, "name", taken)))).isEmpty();
    }

    private void put(Map<String, ?> change) {
        given().contentType(ContentType.JSON).body(change).put("/inventory_items/{id}", item);
    }

    private String warning(long quantity, long threshold) {
        return "WARN Low stock: item_id=%d name=\"%s\" quantity=%d threshold=%d"
                .formatted(item, name, quantity, threshold);
    }

    private static List<String> linesOf(Runnable changes) {
        List<String> lines = new CopyOnWriteArrayList<>();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord logged) {
                lines.add(new PatternFormatter("%p %m").format(logged));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger logger = Logger.getLogger(LowStock.class.getName());
        logger.addHandler(handler);
        try {
            changes.run();
        } finally {
            logger.removeHandler(handler);
        }
        return lines;
    }
}
