package dev.oms.order;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.job.Settling;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** How PostgreSQL finds the orders in one status, and what that costs those who place and settle orders. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class ListOrdersTest {
    private static final String BY_STATUS = "orders_status_id_idx";

    private static final Map<OrderStatus, String> INDEXES = new EnumMap<>(Map.of(
            OrderStatus.Pending, "orders_due_idx",
            OrderStatus.Received, "orders_due_idx",
            OrderStatus.OutForDelivery, BY_STATUS,
            OrderStatus.Rejected, BY_STATUS,
            OrderStatus.Cancelled, BY_STATUS,
            OrderStatus.Delivered, BY_STATUS));

    /** 100,000 confirmed orders of one user and ten in each other status. */
    private static final String MANY_ORDERS = """
            insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
            select %d, status, case when status in ('Pending', 'Received') then 'DEDUCTION' end, now(), now(), now()
            from (
                select 'Confirmed' status from generate_series(1, 100000)
                union all
                select unnest(array['Pending', 'Received', 'OutForDelivery', 'Delivered', 'Rejected', 'Cancelled'])
                from generate_series(1, 10)) status""";

    private final Ledger ledger = OmsServers.ledger();

    @Test
    void findsOrdersInARareStatusByAnIndex() throws SQLException {
        Map<OrderStatus, String> plans = new EnumMap<>(OrderStatus.class);
        Map<OrderStatus, String> plansOfAUser = new EnumMap<>(OrderStatus.class);

        try (Connection connection = ledger.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            // Without checking the foreign keys of 100,000 rows.
            statement.execute("set local session_replication_role = replica");
            statement.execute("delete from orders");
            statement.execute(MANY_ORDERS.formatted(Shop.user()));
            statement.execute("analyze orders");
            for (OrderStatus status : INDEXES.keySet()) {
                plans.put(status, plan(statement, Orders.listQuery(false, status)));
                plansOfAUser.put(status, plan(statement, Orders.listQuery(true, status)));
            }
            connection.rollback();
        }

        INDEXES.forEach((status, index) -> {
            assertThat(plans.get(status)).as("%s", status).contains(index).doesNotContain("orders_pkey", "Seq Scan");
            assertThat(plansOfAUser.get(status)).as("%s of a user", status).contains(index);
        });
    }

    /** The plan for parameters of any value, which is the one that a prepared statement ends up with. */
    private static String plan(Statement statement, String query) throws SQLException {
        String[] parts = query.split("\\?", -1);
        StringBuilder prepare = new StringBuilder("prepare listed as ").append(parts[0]);
        for (int i = 1; i < parts.length; i++) {
            prepare.append('$').append(i).append(parts[i]);
        }
        statement.execute("set local plan_cache_mode = force_generic_plan");
        statement.execute(prepare.toString());
        String values = String.join(", ", Collections.nCopies(parts.length - 1, "10"));
        StringBuilder plan = new StringBuilder();
        try (ResultSet line = statement.executeQuery("explain execute listed (" + values + ")")) {
            while (line.next()) {
                plan.append(line.getString(1)).append('\n');
            }
        }
        statement.execute("deallocate listed");
        return plan.toString();
    }

    @Test
    void doesNotIndexOrdersThatArePlacedAndConfirmed() {
        String name = Shop.uniqueName();
        Shop.item(name, 1_000, 0);
        long user = Shop.user();
        ledger.execute("create extension if not exists pgstattuple");
        ledger.execute("alter table orders set (autovacuum_enabled = off)");
        try {
            long before = entries();

            long[] orders = LongStream.range(0, 20)
                    .map(i -> Shop.order(user, Map.of(name, 1)))
                    .toArray();
            new Settling().settle(orders);

            assertThat(Shop.status(orders[19])).isEqualTo("Confirmed");
            assertThat(entries()).isEqualTo(before);
        } finally {
            ledger.execute("alter table orders reset (autovacuum_enabled)");
        }
    }

    /** The entries ever made in the index: the dead ones have been paid for too. */
    private long entries() {
        return Long.parseLong(
                ledger.texts("select tuple_count + dead_tuple_count from pgstattuple('" + BY_STATUS + "')")
                        .getFirst());
    }
}
