package dev.oms.start;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.Instance;

/**
 * Replaces the pooled connections that were opened before the database was migrated. The limits on statements, locks
 * and idle transactions are settings of the role ({@code V8__limit_statements.sql}), and a session has those that its
 * role had when it began.
 *
 * @see <a href="https://www.postgresql.org/docs/current/sql-alterrole.html">ALTER ROLE</a>
 */
@ApplicationScoped
class RenewConnections {
    private final Instance<AgroalDataSource> dataSources;

    RenewConnections(@Any Instance<AgroalDataSource> dataSources) {
        this.dataSources = dataSources;
    }

    // After CheckSchema, and before anything that uses the schema.
    void onStart(@Observes @Priority(2) StartupEvent event) {
        dataSources.forEach(dataSource -> dataSource.flush(FlushMode.GRACEFUL));
    }
}
