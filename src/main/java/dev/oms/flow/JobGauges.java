package dev.oms.flow;

import dev.oms.flow.HealthSnapshot.PostgresHealth;
import dev.oms.flow.HealthSnapshot.RedisHealth;
import dev.oms.job.JobConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/**
 * Shows what all processes share as gauges: the stream, the jobs that failed, what runs low, who works. Looked up every
 * few seconds, so that whoever reads them does not wait; not a number while it is unknown. Only workers show them, for
 * once is enough.
 */
@ApplicationScoped
class JobGauges {
    private final TakeHealthSnapshot takeSnapshot;
    private final MeterRegistry meters;
    private final boolean isOn;
    private volatile HealthSnapshot snapshot = new HealthSnapshot(null, null, null);

    JobGauges(TakeHealthSnapshot takeSnapshot, MeterRegistry meters, JobConfig config) {
        this.takeSnapshot = takeSnapshot;
        this.meters = meters;
        this.isOn = !config.gauges().every().equals("off");
    }

    void start(@Observes StartupEvent event) {
        if (!isOn) {
            return;
        }
        redisGauge("oms.queue.depth", "Jobs in the stream, with a worker or not.", RedisHealth::depth);
        redisGauge(
                "oms.queue.oldest.age.seconds",
                "How long the oldest job has been in the stream.",
                RedisHealth::oldestAgeSeconds);
        redisGauge("oms.queue.in.flight", "Jobs that are with a worker.", RedisHealth::inFlight);
        redisGauge(
                "oms.workers",
                "Workers that read the stream.",
                redis -> redis.workers().size());
        postgresGauge("oms.jobs.failed", "Jobs that failed and will be tried again.", PostgresHealth::failed);
        postgresGauge("oms.jobs.dead", "Jobs that nobody tries any more.", PostgresHealth::dead);
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
