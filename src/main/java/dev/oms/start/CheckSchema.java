package dev.oms.start;

import io.agroal.api.AgroalDataSource;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.SQLException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.flywaydb.core.Flyway;

/**
 * Fails the start of a process that does not migrate ({@code oms.migrate=false}) if the schema is older than this
 * version needs. A newer schema is accepted, so that processes of the previous version can still start during a
 * release.
 */
@ApplicationScoped
class CheckSchema {
    private final Flyway flyway;
    private final AgroalDataSource dataSource;
    private final boolean migrates;

    CheckSchema(Flyway flyway, AgroalDataSource dataSource, @ConfigProperty(name = "oms.migrate") boolean migrates) {
        this.flyway = flyway;
        this.dataSource = dataSource;
        this.migrates = migrates;
    }

    // Before anything that uses the schema.
    void onStart(@Observes @Priority(1) StartupEvent event) throws SQLException {
        if (!migrates) {
            try (Connection connection = dataSource.getConnection()) {
                CheckDatabase.schemaOf(connection);
            }
            flyway.validate();
        }
    }
}
