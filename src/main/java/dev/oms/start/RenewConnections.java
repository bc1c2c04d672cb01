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
 * Replaces the pooled connections that were opened before the limits of sessions were set: a session has those that its
 * role had when it began ({@link LimitSessions}).
 *
 * @see <a href="https://www.postgresql.org/docs/current/sql-alterrole.html">ALTER ROLE</a>
 */
@ApplicationScoped
class RenewConnections {
    private final Instance<AgroalDataSource> dataSources;

    RenewConnections(@Any Instance<AgroalDataSource> dataSources) {
        this.dataSources = dataSources;
    }

    // After LimitSessions, and before anything that uses the schema.
    void onStart(@Observes @Priority(4) StartupEvent event) {
        dataSources.forEach(dataSource -> dataSource.flush(FlushMode.GRACEFUL));
    }
}
