package dev.oms.order;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.http.ProblemException;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Orders that share a transaction, each with its own outcome. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class PlaceOrderTest {
    private static final long UNKNOWN_USER = 987_654_321_000L;

    @Inject
    PlaceOrder placeOrder;

    private final Ledger ledger = OmsServers.ledger();
    private long user;
    private String burger;
    private String fries;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        burger = Shop.uniqueName();
        fries = Shop.uniqueName();
        Shop.item(burger, 10, 0);
        Shop.item(fries, 10, 0);
    }

    @Test
    void aBadOrderDoesNotFailItsNeighbours() {
        Placement first = new Placement(user, Map.of(burger, 2L, fries, 1L));
        Placement unknownItem = new Placement(user, Map.of(burger, 1L, "no such thing", 1L));
        Placement unknownUser = new Placement(UNKNOWN_USER, Map.of(burger, 1L));
        Placement impossibleName = new Placement(user, Map.of("a\0b", 1L));
        Placement last = new Placement(user, Map.of(fries, 3L));

        placeOrder.insert(List.of(first, unknownItem, unknownUser, impossibleName, last));

        assertThat(linesOf(first)).containsExactlyInAnyOrder(burger + "=2", fries + "=1");
        assertThat(linesOf(last)).containsExactly(fries + "=3");
        assertRefused(unknownItem, "items.no such thing");
        assertRefused(impossibleName, "items.a\0b");
        assertThatThrownBy(unknownUser::orThrow)
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("no user " + UNKNOWN_USER);
        assertThat(ledger.count("orders where user_id = " + user)).isEqualTo(2);
        assertThat(ledger.texts("select distinct xmin::text from orders where user_id = " + user))
                .hasSize(1);
    }

    @Test
    void anItemDeletedMeanwhileFailsOnlyOrdersForIt() throws Exception {
        String toast = Shop.uniqueName();
        long doomed = Shop.item(toast, 10, 0);
        Placement neighbour = new Placement(user, Map.of(burger, 1L));
        Placement unlucky = new Placement(user, Map.of(toast, 1L));
        try (Connection deleting = ledger.connect();
                Statement statement = deleting.createStatement();
                ExecutorService executor = Executors.newSingleThreadExecutor()) {
            deleting.setAutoCommit(false);
            statement.execute("delete from inventory_items where id = " + doomed);

            Future<?> placing = executor.submit(() -> placeOrder.insert(List.of(neighbour, unlucky)));
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") > 0);
            deleting.commit();
            placing.get();
        }

        assertThat(linesOf(neighbour)).containsExactly(burger + "=1");
        assertRefused(unlucky, "items." + toast);
        assertThat(ledger.count("orders where user_id = " + user)).isOne();
    }

    private List<String> linesOf(Placement placement) {
        return ledger.texts("""
                select i.name || '=' || l.quantity from order_lines l join inventory_items i on i.id = l.inventory_item_id
                where l.order_id = %d""".formatted(placement.orThrow().id()));
    }

    private static void assertRefused(Placement placement, String field) {
        assertThatThrownBy(placement::orThrow)
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().errors())
                                .singleElement()
                                .satisfies(error -> assertThat(error.field()).isEqualTo(field)));
    }
}
