package dev.oms.start;

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
import java.util.List;

/**
 * Fails the start if {@code OMS_DB_USER} may not read and write the rows of every table, which calls would find out one
 * by one.
 */
@ApplicationScoped
class CheckRights {
    static final List<String> TABLES = List.of(
            "api_keys",
            "audit_checkpoints",
            "audits",
            "failed_jobs",
            "idempotency_keys",
            "imports",
            "inventory_items",
            "order_events",
            "order_lines",
            "orders",
            "stock_movements",
            "users");

    // Of the sequences only this one is used by name.
    private static final String WITHOUT_RIGHTS = """
            select string_agg(c.relname, ', ' order by c.relname)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = current_schema() and case
                when c.relname = any(?) then not (
                    has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
                    and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))
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
            statement.setArray(1, connection.createArrayOf("text", TABLES.toArray()));
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
