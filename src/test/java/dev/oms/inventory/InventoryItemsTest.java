package dev.oms.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.WithoutConsumer;
import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How PostgreSQL finds items by the beginning of their names. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class InventoryItemsTest {
    /** About twelve of them have a name that begins with the same three characters. */
    private static final String MANY_ITEMS = """
            insert into inventory_items (name, quantity, threshold, version, created_at, updated_at)
            select upper(md5(n::text)), n % 100, 10, 0, now(), now()
            from generate_series(1, 50000) n""";

    @Inject
    InventoryItems items;

    @Inject
    AgroalDataSource dataSource;

    @ParameterizedTest
    @EnumSource(InventoryItems.Order.class)
    void findsNamesByAnIndex(InventoryItems.Order order) throws SQLException {
        String plan;
        QuarkusTransaction.begin();
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(MANY_ITEMS);
            statement.execute("analyze inventory_items");
            // The driver prepares the query and PostgreSQL chooses its plan well before the twentieth time.
            for (int i = 0; i < 20; i++) {
                assertThat(items.list("aBc", false, false, order, null, 100)).isNotEmpty();
            }
            plan = plan(statement);
        } finally {
            QuarkusTransaction.rollback();
        }

        assertThat(plan).contains("inventory_items_lower_name_idx").doesNotContain("Seq Scan");
    }

    /** The plan of the query that Hibernate has sent. */
    private static String plan(Statement statement) throws SQLException {
        String execute;
        try (ResultSet row = statement.executeQuery("""
                select format('explain execute %I (''abc%%'', ', name) || repeat('10, ', cardinality(parameter_types) - 2) || '100)'
                from pg_prepared_statements where statement like '%like lower(%'""")) {
            row.next();
            execute = row.getString(1);
        }
        StringBuilder plan = new StringBuilder();
        try (ResultSet line = statement.executeQuery(execute)) {
            while (line.next()) {
                plan.append(line.getString(1)).append('\n');
            }
        }
        return plan.toString();
    }
}
