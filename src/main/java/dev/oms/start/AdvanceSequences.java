package dev.oms.start;

import io.agroal.api.AgroalDataSource;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.jboss.logging.Logger;

/**
 * Advances, as the process starts, the sequences that it finds behind the ids of their tables, as after data was
 * restored or replicated without its sequences. Otherwise new rows would get old ids. A table whose primary key is the
 * id would refuse them; the ledger's is not, so its movements would silently be out of order.
 *
 * <p>A sequence that cannot be compared with its table, for lack of rights or time, is left alone and logged. Only one
 * that is behind, and cannot be advanced, fails the start.
 */
@ApplicationScoped
class AdvanceSequences {
    private static final Logger LOG = Logger.getLogger(AdvanceSequences.class);

    /** More than other processes can take from the sequence between the two looks at it. */
    private static final int MARGIN = 1_000;

    /** Time limit of one query. */
    private static final int TIMEOUT_SECONDS = 2;

    /**
     * Time limit of the ledger's query, which takes long where there are many items and nothing is cached. Below
     * {@code statement_timeout}, and the minute that Kubernetes gives a start.
     */
    private static final int LEDGER_TIMEOUT_SECONDS = 20;

    private static final String INSUFFICIENT_PRIVILEGE = "42501";

    /** A table's column that has a sequence. */
    record Ids(String table, String column, String highest, int timeoutSeconds) {
        private Ids(String table) {
            this(table, "id");
        }

        private Ids(String table, String column) {
            this(table, column, "select max(%s) from %s".formatted(column, table), TIMEOUT_SECONDS);
        }

        @Override
        public String toString() {
            return table + "." + column;
        }
    }

    // The ledger and the attempts have no index by id alone: a probe per item takes some 5 µs.
    static final List<Ids> ALL = List.of(
            new Ids("api_keys"),
            new Ids("audits"),
            new Ids("events", "position"),
            new Ids("imports"),
            new Ids("inventory_items"),
            new Ids("orders"),
            new Ids("stock_movements", "id", """
                    select max(last) from (
                        select (select max(id) from stock_movements where inventory_item_id = i.id) last
                        from inventory_items i) ledger""", LEDGER_TIMEOUT_SECONDS),
            new Ids("users"),
            new Ids("webhook_attempts", "id", """
                    select max(last) from (
                        select (select max(id) from webhook_attempts where endpoint_id = e.id) last
                        from webhook_endpoints e) attempts""", TIMEOUT_SECONDS),
            new Ids("webhook_endpoints"));

    private final AgroalDataSource dataSource;

    AdvanceSequences(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    // After CheckSchema and CheckRights, and before anything that writes rows.
    void onStart(@Observes @Priority(3) StartupEvent event) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            for (Ids ids : ALL) {
                statement.setQueryTimeout(ids.timeoutSeconds);
                advance(statement, ids);
            }
        }
    }

    private static void advance(Statement statement, Ids ids) throws SQLException {
        String sequence = "pg_get_serial_sequence('%s', '%s')::regclass".formatted(ids.table, ids.column);
        long highest;
        long last;
        try {
            // There are none before the first migration.
            if (number(statement, "select count(to_regclass('%s'))".formatted(ids.table)) == 0) {
                return;
            }
            // Without the right, some versions of PostgreSQL answer null, as for a sequence that nobody has used.
            if (number(statement, "select has_sequence_privilege(%s, 'usage, select')::int".formatted(sequence)) == 0) {
                warnOfUnknown(ids, "OMS_DB_USER may not read it");
                return;
            }
            // In this order: whoever inserts in between takes its id from the sequence first.
            highest = number(statement, ids.highest);
            last = number(statement, "select pg_sequence_last_value(%s)".formatted(sequence));
        } catch (SQLException e) {
            warnOfUnknown(ids, e.getMessage());
            return;
        }
        if (last >= highest) {
            return;
        }
        long advanced;
        try {
            advanced = number(
                    statement,
                    "select setval(%1$s, greatest(%2$d, pg_sequence_last_value(%1$s)) + %3$d)"
                            .formatted(sequence, highest, MARGIN));
        } catch (SQLException e) {
            if (INSUFFICIENT_PRIVILEGE.equals(e.getSQLState())) {
                throw new ConfigurationException(
                        ("the sequence of %s is at %d, but the table has the id %d. OMS_DB_USER may not advance it: run "
                                        + "src/main/postgres/roles.sql again, or OMS once with --migrate as the owner.")
                                .formatted(ids, last, highest),
                        e);
            }
            throw e;
        }
        LOG.warnf(
                "The sequence of %s was at %d, but the table has the id %d; advanced to %d. Data was restored without its "
                        + "sequences%s.",
                ids,
                last,
                highest,
                advanced,
                ids.table.equals("stock_movements")
                        ? ": movements written since then may be out of order, which the audit reports"
                        : "");
    }

    private static void warnOfUnknown(Ids ids, String reason) {
        LOG.warnf("It is not known whether the sequence of %s is behind (%s).", ids, reason);
    }

    /** Null is 0. */
    private static long number(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getLong(1);
        }
    }
}
