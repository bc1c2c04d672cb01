package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import org.junit.jupiter.api.Test;

/** Properties of {@link SettleStock} that are not visible over REST. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class SettleStockTest {
    @Test
    void findsABatchWithoutScanningTheBacklog() throws SQLException {
        StringBuilder plan = new StringBuilder();

        try (Connection connection = OmsServers.ledger().connect();
                Statement statement = connection.createStatement();
                PreparedStatement explain = connection.prepareStatement("explain " + SettleStock.LOCK_ORDERS)) {
            connection.setAutoCommit(false);
            // The planner's statistics from a time when nothing is due, just before a backlog builds up.
            statement.execute("update orders set due = null");
            statement.execute("""
                    insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                    select %d, 'Confirmed', now(), now(), now() from generate_series(1, 10000)
                    """.formatted(Shop.user()));
            statement.execute("analyze orders");
            explain.setArray(
                    1,
                    connection.createArrayOf(
                            "bigint", Collections.nCopies(500, 1L).toArray()));
            try (ResultSet line = explain.executeQuery()) {
                while (line.next()) {
                    plan.append(line.getString(1)).append('\n');
                }
            }
            connection.rollback();
        }

        assertThat(plan).contains("orders_pkey").doesNotContain("orders_due_idx");
    }
}
