package dev.oms.flow;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.cache.ConnectionCache;
import io.agroal.api.configuration.AgroalConnectionPoolConfiguration;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.pool.DataSource;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/**
 * A gauge of whether PostgreSQL answers this process: 1 if it answered when it was last asked, 0 if it refused or has
 * not answered for 5 seconds. It is asked once a second on a connection of its own: that calls use every connection of
 * their pool is no outage. Readiness does not depend on it: an alert does.
 */
@ApplicationScoped
class PostgresGauge {
    private static final long PATIENCE_NANOS = Duration.ofSeconds(5).toNanos();

    private final AgroalDataSource ownConnection;
    private final MeterRegistry meters;
    // A process starts only if PostgreSQL answers.
    private volatile boolean answered = true;
    private volatile long askedNanos;
    private volatile boolean isWaiting;

    PostgresGauge(AgroalDataSource dataSource, MeterRegistry meters) {
        this.ownConnection = poolOfOne(dataSource.getConfiguration().connectionPoolConfiguration());
        this.meters = meters;
    }

    /** A pool, because that replaces a broken connection. Constructed as Quarkus does, without reflection. */
    private static AgroalDataSource poolOfOne(AgroalConnectionPoolConfiguration pool) {
        return new DataSource(new AgroalDataSourceConfigurationSupplier()
                .connectionPoolConfiguration(one -> one.maxSize(1)
                        .acquisitionTimeout(pool.acquisitionTimeout())
                        .maxLifetime(pool.maxLifetime())
                        .exceptionSorter(pool.exceptionSorter())
                        .connectionCache(ConnectionCache.none())
                        .connectionFactoryConfiguration(pool::connectionFactoryConfiguration))
                .get());
    }

    void start(@Observes StartupEvent event) {
        Gauge.builder("oms.postgresql.up", () -> isUp() ? 1 : 0)
                .description("Whether PostgreSQL answers this process.")
                .register(meters);
    }

    private boolean isUp() {
        return answered && !(isWaiting && System.nanoTime() - askedNanos > PATIENCE_NANOS);
    }

    // A virtual thread, because a server that has fallen silent would hold one of the blocking pool.
    @Scheduled(every = "1s", concurrentExecution = ConcurrentExecution.SKIP)
    @RunOnVirtualThread
    void ask() {
        askedNanos = System.nanoTime();
        isWaiting = true;
        try (Connection connection = ownConnection.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("select 1");
            answered = true;
        } catch (SQLException e) {
            answered = false;
        } finally {
            isWaiting = false;
        }
    }

    @PreDestroy
    void close() {
        ownConnection.close();
    }
}
