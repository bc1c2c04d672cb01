package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.junit.jupiter.api.Test;

/** The log line by which a shop learns that it must reorder an item. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class LowStockTest {
    @Inject
    SettleStock settleStock;

    @Test
    void warnsOnceWhenADeductionCrossesTheThreshold() {
        long user = Shop.user();
        String name = Shop.uniqueName();
        long item = Shop.item(name, 6, 5);
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
        Logger logger = Logger.getLogger(SettleStock.class.getName());
        logger.addHandler(handler);

        try {
            for (int i = 0; i < 3; i++) {
                settleStock.settle(List.of(Shop.order(user, Map.of(name, 1))));
            }
        } finally {
            logger.removeHandler(handler);
        }

        assertThat(lines)
                .containsExactly("WARN Low stock: item_id=%d name=\"%s\" quantity=4 threshold=5".formatted(item, name));
    }
}
