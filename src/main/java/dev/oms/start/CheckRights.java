package dev.oms.start;

import static java.util.Map.entry;

import io.agroal.api.AgroalDataSource;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;

/**
 * Fails the start if {@code OMS_DB_USER} lacks a right that OMS needs, which calls would find out one by one. Rights to
 * write that only a task needs are not asked for.
 */
@ApplicationScoped
class CheckRights {
    private static final String READ = "select";
    private static final String APPEND = "select insert";
    /** A statement that locks rows needs the right to update them. */
    private static final String CHANGE = "select insert update";

    private static final String ALL = "select insert update delete";

    static final Map<String, String> RIGHTS = Map.ofEntries(
            entry("api_keys", CHANGE),
            entry("audit_checkpoints", ALL),
            entry("audits", ALL),
            entry("events", APPEND),
            entry("failed_jobs", ALL),
            entry("idempotency_keys", ALL),
            entry("imports", READ),
            entry("inventory_items", ALL),
            entry("order_lines", CHANGE),
            entry("orders", CHANGE),
            entry("stock_movements", APPEND),
            entry("users", CHANGE),
            entry("webhook_attempts", ALL),
            entry("webhook_counts", ALL),
            entry("webhook_endpoints", ALL),
            entry("webhook_retries", ALL),
            entry("webhook_workers", ALL));

    // Of the sequences only this one is used by name.
    private static final String WITHOUT_RIGHTS = """
            select string_agg(c.relname, ', ' order by c.relname)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
                left join unnest(?, ?) needed (name, rights) on needed.name = c.relname
            where n.nspname = current_schema() and case
                when needed.name is not null then exists (
                    select 1 from unnest(string_to_array(needed.rights, ' ')) needs
                    where not has_table_privilege(c.oid, needs))
                when c.relname = 'orders_id_seq' then not has_sequence_privilege(c.oid, 'usage')
                else false end""";

    private final AgroalDataSource dataSource;

    CheckRights(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    // After CheckSchema.
    void onStart(@Observes @Priority(2) StartupEvent event) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(WITHOUT_RIGHTS)) {
            statement.setArray(
                    1, connection.createArrayOf("text", RIGHTS.keySet().toArray()));
            statement.setArray(
                    2, connection.createArrayOf("text", RIGHTS.values().toArray()));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                if (row.getString(1) != null) {
                    throw new ConfigurationException("OMS_DB_USER may not read and write " + row.getString(1)
                            + "; src/main/postgres/roles.sql grants what it needs.");
                }
            }
        }
    }
}
