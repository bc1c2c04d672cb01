package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.start.SeedData;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.enterprise.inject.spi.CDI;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** The main job of OMS at full size: the consumer settles the seed data. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class MainJobTest {
    private final Ledger ledger = OmsServers.ledger();

    @Test
    void settlesTenThousandSeededOrders() throws IOException, InterruptedException {
        // Other tests place orders too, and orders are seeded only if there are none.
        ledger.awaitSettled();
        ledger.execute(
                "truncate users, inventory_items, orders, events, order_lines, stock_movements restart identity cascade");

        seed();
        ledger.awaitSettled();

        assertThat(ledger.count("users")).isEqualTo(10_000);
        assertThat(ledger.count("inventory_items where threshold = 50 and name like 'item%'"))
                .isEqualTo(50_000);
        assertThat(ledger.count("orders")).isEqualTo(10_000);
        assertThat(ledger.texts("select distinct count(*) from order_lines group by order_id order by 1"))
                .containsExactly("1", "2", "3");
        assertThat(ledger.count("orders where status = 'Confirmed'")).isEqualTo(10_000);
        assertThat(ledger.count("stock_movements where kind = 'DEDUCTION'")).isEqualTo(ledger.count("order_lines"));
        ledger.assertConsistent();
    }

    void seed() throws IOException, InterruptedException {
        CDI.current().select(SeedData.class).get().seed();
    }

    @Test
    void seedsOnce() throws IOException, InterruptedException {
        seed();
        ledger.awaitSettled();
        long users = ledger.count("users");
        long items = ledger.count("inventory_items");
        long orders = ledger.count("orders");
        long movements = ledger.count("stock_movements");

        seed();
        ledger.awaitSettled();

        assertThat(ledger.count("users")).isEqualTo(users);
        assertThat(ledger.count("inventory_items")).isEqualTo(items);
        assertThat(ledger.count("orders")).isEqualTo(orders);
        assertThat(ledger.count("stock_movements")).isEqualTo(movements);
    }
}
