package dev.oms.start;

import io.quarkus.flyway.FlywayConfigurationCustomizer;
import jakarta.inject.Singleton;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Gives Flyway connections of its own, without the pool's socket time-out: a migration of a big table may run for
 * longer than any other statement. They also keep sessions that began before V8 set the role's limits out of the pool.
 */
@Singleton
class MigrationConnections implements FlywayConfigurationCustomizer {
    private final Optional<String> url;
    private final String user;
    private final String password;

    MigrationConnections(
            @ConfigProperty(name = "quarkus.datasource.jdbc.url") Optional<String> url,
            @ConfigProperty(name = "quarkus.datasource.username") String user,
            @ConfigProperty(name = "quarkus.datasource.password") String password) {
        this.url = url;
        this.user = user;
        this.password = password;
    }

    @Override
    public void customize(FluentConfiguration configuration) {
        // Without a URL nothing migrates, and the start fails with a better message than this could give.
        url.ifPresent(address -> configuration.dataSource(dataSource(address)));
    }

    private PGSimpleDataSource dataSource(String address) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(address);
        dataSource.setUser(user);
        dataSource.setPassword(password);
        dataSource.setTcpKeepAlive(true);
        return dataSource;
    }
}
