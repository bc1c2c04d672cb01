package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Redis is disposable: during an outage orders are accepted, and they are settled once Redis is back, even though it
 * comes back empty. No other process is restarted.
 */
@QuarkusTest
@WithTestResource(OmsServers.class)
class RedisOutageTest {
    private final Ledger ledger = OmsServers.ledger();

    @Test
    void acceptsOrdersWithoutRedisAndSettlesThemLater() throws IOException {
        long user = Shop.user();
        String name = Shop.uniqueName();
        long item = Shop.item(name, 100, 0);
        Shop.settled(Shop.order(user, Map.of(name, 1)));
        double failuresBefore = sendFailures();
        List<Long> orders = new ArrayList<>();

        OmsServers.servers().stopRedis();
        try {
            for (int i = 0; i < 20; i++) {
                orders.add(Shop.order(user, Map.of(name, 1)));
            }
            assertThat(Shop.status(orders.getFirst())).isEqualTo("Pending");
        } finally {
            OmsServers.servers().startRedis();
        }

        assertThat(orders).allSatisfy(order -> assertThat(Shop.settled(order)).isEqualTo("Confirmed"));
        assertThat(Shop.quantity(item)).isEqualTo(79);
        assertThat(sendFailures()).isGreaterThan(failuresBefore);
        ledger.assertConsistent();
    }

    private static double sendFailures() {
        return OmsServers.management()
                .get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith("oms_job_send_failures_total "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' '))))
                .findFirst()
                .orElseThrow();
    }
}
