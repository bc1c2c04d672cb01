package dev.oms.fault;

import static org.awaitility.Awaitility.await;

import dev.oms.process.OmsProcess;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;

/** Holds every item's row: orders can be placed, but a worker stops amid its transaction until this is closed. */
final class ItemLock implements AutoCloseable {
    // In the order in which workers lock them.
    private static final String LOCK = "select id from inventory_items order by id for no key update";

    private static final String STUCK = """
            select application_name from pg_stat_activity
            where application_name like 'worker-%' and wait_event_type = 'Lock' order by 1""";

    private final Cluster cluster;
    private final Connection connection;

    ItemLock(Cluster cluster) throws SQLException {
        this.cluster = cluster;
        this.connection = cluster.servers().connect();
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute(LOCK);
        }
    }

    /** Waits for a worker that has locked its orders and waits for their items. */
    OmsProcess awaitStuckWorker() {
        List<String> stuck = await().alias("a worker is amid a batch")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(10))
                .until(() -> cluster.servers().ledger().texts(STUCK), names -> !names.isEmpty());
        return cluster.workers().stream()
                .filter(worker -> worker.name().equals(stuck.getFirst()))
                .findFirst()
                .orElseThrow();
    }

    /** Lets the workers go on. */
    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
