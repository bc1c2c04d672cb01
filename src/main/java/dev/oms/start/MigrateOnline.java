package dev.oms.start;

import io.quarkus.flyway.FlywayConfigurationCustomizer;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import javax.sql.DataSource;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.callback.BaseCallback;
import org.flywaydb.core.api.callback.Context;
import org.flywaydb.core.api.callback.Event;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.database.postgresql.PostgreSQLConfigurationExtension;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Migrates a database of any size while others use it.
 *
 * <p>It migrates on connections of its own, whose settings are made as they open: a statement may take as long as it
 * needs, and a lock is waited for only briefly, because everybody else queues behind it. PgBouncer rejects such
 * connections, and migrations must not go through it anyway.
 *
 * <p>A migration that is not one transaction can fail halfway. It is written so that it can be run again, and the next
 * start does.
 */
@ApplicationScoped
class MigrateOnline implements FlywayConfigurationCustomizer {
    // Well below the role's lock_timeout (5 s), which applies to those in the queue.
    static final String SETTINGS = "-c lock_timeout=1s -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
            + " -c default_transaction_isolation=read\\ committed";

    private final boolean migrates;
    private final Optional<String> url;
    private final Optional<String> user;
    private final Optional<String> password;

    MigrateOnline(
            @ConfigProperty(name = "oms.migrate") boolean migrates,
            @ConfigProperty(name = "quarkus.datasource.jdbc.url") Optional<String> url,
            @ConfigProperty(name = "quarkus.datasource.username") Optional<String> user,
            @ConfigProperty(name = "quarkus.datasource.password") Optional<String> password) {
        this.migrates = migrates;
        this.url = url;
        this.user = user;
        this.password = password;
    }

    @Override
    public void customize(FluentConfiguration flyway) {
        if (migrates) {
            PGSimpleDataSource dataSource = new PGSimpleDataSource();
            dataSource.setUrl(url.orElseThrow());
            user.ifPresent(dataSource::setUser);
            password.ifPresent(dataSource::setPassword);
            configure(flyway, dataSource);
        }
    }

    static void configure(FluentConfiguration flyway, PGSimpleDataSource dataSource) {
        String options = dataSource.getOptions();
        dataSource.setOptions(options == null ? SETTINGS : options + " " + SETTINGS);
        // No answer comes while an index is built.
        dataSource.setSocketTimeout(0);
        dataSource.setTcpKeepAlive(true);
        try (Connection connection = dataSource.getConnection()) {
            // Alone in the search path: a migration must not find in another schema what it does not find here.
            dataSource.setCurrentSchema('"' + CheckDatabase.schemaOf(connection).replace("\"", "\"\"") + '"');
        } catch (SQLException e) {
            throw new FlywayException("The database cannot be migrated", e);
        }
        flyway.dataSource((DataSource) dataSource);
        flyway.callbacks(new ForgetFailures());
        // Flyway's lock belongs to the session. A transaction's lock would need an open transaction, and a concurrent
        // build of an index would wait for that.
        flyway.getPluginRegister()
                .getExact(PostgreSQLConfigurationExtension.class)
                .setTransactionalLock(false);
    }

    /** Deletes the record of a failed migration, which would make Flyway refuse to run it again. */
    private static final class ForgetFailures extends BaseCallback {
        @Override
        public boolean supports(Event event, Context context) {
            return event == Event.BEFORE_VALIDATE;
        }

        @Override
        public void handle(Event event, Context context) {
            try (Statement statement = context.getConnection().createStatement()) {
                // The table does not exist before the first migration.
                statement.execute("""
                        do $$ begin
                            if to_regclass('%1$s') is not null then
                                delete from %1$s where not success;
                            end if;
                        end $$""".formatted(context.getConfiguration().getTable()));
            } catch (SQLException e) {
                throw new FlywayException("Failed migrations cannot be forgotten", e);
            }
        }
    }
}
