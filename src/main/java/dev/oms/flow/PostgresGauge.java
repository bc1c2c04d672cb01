package dev.oms.flow;

import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.quarkus.scheduler.common.runtime.util.SchedulerUtils;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * A gauge of whether PostgreSQL answers this process: 1 if it answered when it was last asked, 0 if it refused or has
 * not answered for 5 seconds. It is asked once a second through the pool, as calls and batches are, so a pool without a
 * free connection counts as no answer too. Readiness does not depend on it: an alert does.
 */
@ApplicationScoped
class PostgresGauge {
    private static final long PATIENCE_NANOS = Duration.ofSeconds(5).toNanos();

    private final AgroalDataSource dataSource;
    private final MeterRegistry meters;
    private final boolean isOn;
    // A process starts only if PostgreSQL answers.
    private volatile boolean answered = true;
    private volatile long askedNanos;
    private volatile boolean isWaiting;

    PostgresGauge(
            AgroalDataSource dataSource, MeterRegistry meters, @ConfigProperty(name = "oms.flow.every") String every) {
        this.dataSource = dataSource;
        this.meters = meters;
        this.isOn = !SchedulerUtils.isOff(every);
    }

    void start(@Observes StartupEvent event) {
        if (isOn) {
            Gauge.builder("oms.postgresql.up", () -> isUp() ? 1 : 0)
                    .description("Whether PostgreSQL answers this process.")
                    .register(meters);
        }
    }

    private boolean isUp() {
        return answered && !(isWaiting && System.nanoTime() - askedNanos > PATIENCE_NANOS);
    }

    // A virtual thread, because a server that has fallen silent would hold one of the blocking pool.
    @Scheduled(every = "{oms.flow.every}", concurrentExecution = ConcurrentExecution.SKIP)
    @RunOnVirtualThread
    void ask() {
        askedNanos = System.nanoTime();
        isWaiting = true;
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("select 1");
            answered = true;
        } catch (SQLException e) {
            answered = false;
        } finally {
            isWaiting = false;
        }
    }
}
