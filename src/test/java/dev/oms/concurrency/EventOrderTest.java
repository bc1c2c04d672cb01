package dev.oms.concurrency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

/** The events of orders and items that many calls and the consumer change at the same time. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class EventOrderTest {
    private static final int THREADS = 32;
    private static final int ORDERS = 200;

    private final Ledger ledger = OmsServers.ledger();

    @Test
    void tellsEachSubjectInTheOrderOfItsVersions() throws Exception {
        long user = Shop.user();
        String name = Shop.uniqueName();
        long item = Shop.item(name, ORDERS / 2, 10);
        List<Callable<Long>> calls = new ArrayList<>();
        for (int i = 0; i < ORDERS; i++) {
            int number = i;
            calls.add(() -> {
                long order = Shop.order(user, Map.of(name, 1));
                switch (number % 4) {
                    case 0 -> Shop.update(order, "Received");
                    case 1 -> Shop.cancel(order);
                    case 2 -> Shop.correct(item, number % 20);
                    default -> {
                        Shop.settled(order);
                        Shop.update(order, "Delivered");
                        Shop.cancel(order);
                    }
                }
                return order;
            });
        }

        Concurrently.run(THREADS, calls);
        ledger.awaitSettled();

        assertThat(ledger.texts("""
                        select o.id || ' is at ' || o.version || ', but tells ' || coalesce(e.versions::text, 'nothing')
                        from orders o left join (
                            select subject_id id, array_agg(version order by position) versions from events
                            where subject = 'order' group by subject_id) e using (id)
                        where o.user_id = %d and e.versions is distinct from array(select generate_series(0, o.version))
                        """.formatted(user))).isEmpty();
        assertThat(ledger.texts(
                        "select version from events where subject = 'item' and subject_id = %d order by position"
                                .formatted(item)))
                .extracting(Long::valueOf)
                .isSorted()
                .hasSizeGreaterThan(ORDERS / 8);
        ledger.assertConsistent();
    }
}
