package dev.oms.fault;

import static org.awaitility.Awaitility.await;

import dev.oms.process.OmsProcess;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;

/** Locks every item's row until closed. Orders can be placed meanwhile, but a worker blocks within its transaction. */
final class ItemLock implements AutoCloseable {
    // In the order in which workers lock them.
    private static final String LOCK = "select id from inventory_items order by id for no key update";

    private static final String BLOCKED_WORKERS = """
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

    /** Waits for a worker that has locked its orders and is blocked on their items, and returns it. */
    OmsProcess awaitBlockedWorker() {
        List<String> blocked = await().alias("a worker is blocked within a batch")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(10))
                .until(() -> cluster.servers().ledger().texts(BLOCKED_WORKERS), names -> !names.isEmpty());
        return cluster.workers().stream()
                .filter(worker -> worker.name().equals(blocked.getFirst()))
                .findFirst()
                .orElseThrow();
    }

    /** Releases the rows, so that the workers continue. */
    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
