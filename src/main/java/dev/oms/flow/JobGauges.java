package dev.oms.flow;

import dev.oms.flow.HealthSnapshot.PostgresHealth;
import dev.oms.flow.HealthSnapshot.RedisHealth;
import dev.oms.job.JobConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.quarkus.scheduler.common.runtime.util.SchedulerUtils;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/**
 * Gauges of what all processes share: the stream, failed jobs, low stock, workers. They are refreshed every few
 * seconds, so that a scrape does not wait for Redis or PostgreSQL, and are NaN while the value is unknown. Only workers
 * have them: one role is enough for shared values.
 */
@ApplicationScoped
class JobGauges {
    private final TakeHealthSnapshot takeSnapshot;
    private final MeterRegistry meters;
    private final boolean isOn;
    private volatile HealthSnapshot snapshot = new HealthSnapshot(null, null, null, null);

    JobGauges(TakeHealthSnapshot takeSnapshot, MeterRegistry meters, JobConfig config) {
        this.takeSnapshot = takeSnapshot;
        this.meters = meters;
        this.isOn = !SchedulerUtils.isOff(config.gauges().every());
    }

    void start(@Observes StartupEvent event) {
        if (!isOn) {
            return;
        }
        redisGauge("oms.queue.depth", "Jobs in the stream, delivered to a worker or not.", RedisHealth::depth);
        redisGauge(
                "oms.queue.oldest.age.seconds",
                "The age of the oldest job in the stream.",
                RedisHealth::oldestAgeSeconds);
        redisGauge("oms.queue.in.flight", "Jobs delivered to a worker and not acknowledged.", RedisHealth::inFlight);
        redisGauge(
                "oms.workers",
                "Workers that read the stream.",
                redis -> redis.workers().size());
        postgresGauge("oms.jobs.failed", "Failed jobs that will be retried.", PostgresHealth::failed);
        postgresGauge("oms.jobs.dead", "Jobs whose retries are exhausted.", PostgresHealth::dead);
        postgresGauge("oms.items.low.stock", "Items on sale below their threshold.", PostgresHealth::lowStock);
    }

    private void redisGauge(String name, String description, ToLongFunction<RedisHealth> value) {
        gauge(
                name,
                description,
                () -> snapshot.redis() instanceof RedisHealth redis ? value.applyAsLong(redis) : Double.NaN);
    }

    private void postgresGauge(String name, String description, ToLongFunction<PostgresHealth> value) {
        gauge(
                name,
                description,
                () -> snapshot.postgres() instanceof PostgresHealth postgres
                        ? value.applyAsLong(postgres)
                        : Double.NaN);
    }

    private void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).register(meters);
    }

    @Scheduled(every = "{oms.job.gauges.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void refresh() {
        snapshot = takeSnapshot.take();
    }
}
