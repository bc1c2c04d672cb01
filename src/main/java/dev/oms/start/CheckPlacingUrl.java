package dev.oms.start;

import io.agroal.api.AgroalDataSource;
import io.quarkus.agroal.DataSource;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Fails the start if {@code OMS_DB_PLACING_URL} does not lead to the database at {@code OMS_DB_URL}: no worker would
 * settle the orders placed there.
 */
@ApplicationScoped
class CheckPlacingUrl {
    private static final String IDENTITY = """
            select concat_ws(' ', system_identifier, current_database(), to_regclass('orders')::oid) from pg_control_system()""";

    private final AgroalDataSource main;
    private final AgroalDataSource placing;
    private final boolean differs;

    CheckPlacingUrl(
            AgroalDataSource main,
            @DataSource("placing") AgroalDataSource placing,
            @ConfigProperty(name = "quarkus.datasource.jdbc.url") Optional<String> url,
            @ConfigProperty(name = "quarkus.datasource.placing.jdbc.url") Optional<String> placingUrl) {
        this.main = main;
        this.placing = placing;
        this.differs = !placingUrl.equals(url);
    }

    // After CheckSchema.
    void onStart(@Observes @Priority(2) StartupEvent event) throws SQLException {
        if (differs) {
            String expected = identityOf(main);
            String found;
            try {
                found = identityOf(placing);
            } catch (SQLException e) {
                throw new ConfigurationException(StartFailure.unusable("OMS_DB_PLACING_URL", e), e);
            }
            if (!found.equals(expected)) {
                throw new ConfigurationException("OMS_DB_PLACING_URL and OMS_DB_URL lead to different databases.");
            }
        }
    }

    private static String identityOf(AgroalDataSource dataSource) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(IDENTITY)) {
            row.next();
            return row.getString(1);
        }
    }
}
