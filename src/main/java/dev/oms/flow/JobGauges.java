package dev.oms.flow;

import dev.oms.flow.Vitals.FromPostgres;
import dev.oms.flow.Vitals.FromRedis;
import dev.oms.flow.Vitals.Signs;
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
    private final Vitals vitals;
    private final MeterRegistry meters;
    private final boolean isOn;
    private volatile Signs signs = new Signs(null, null, null);

    JobGauges(Vitals vitals, MeterRegistry meters, JobConfig config) {
        this.vitals = vitals;
        this.meters = meters;
        this.isOn = !config.gauges().every().equals("off");
    }

    void start(@Observes StartupEvent event) {
        if (!isOn) {
            return;
        }
        fromRedis("oms.queue.depth", "Jobs in the stream, with a worker or not.", FromRedis::depth);
        fromRedis(
                "oms.queue.oldest.age.seconds",
                "How long the oldest job has been in the stream.",
                FromRedis::oldestAgeSeconds);
        fromRedis("oms.queue.in.flight", "Jobs that are with a worker.", FromRedis::inFlight);
        fromRedis(
                "oms.workers",
                "Workers that read the stream.",
                redis -> redis.workers().size());
        fromPostgres("oms.jobs.failed", "Jobs that failed and will be tried again.", FromPostgres::failed);
        fromPostgres("oms.jobs.dead", "Jobs that nobody tries any more.", FromPostgres::dead);
        fromPostgres("oms.items.low.stock", "Items on sale below their threshold.", FromPostgres::lowStock);
    }

    private void fromRedis(String name, String description, ToLongFunction<FromRedis> value) {
        gauge(
                name,
                description,
                () -> signs.redis() instanceof FromRedis redis ? value.applyAsLong(redis) : Double.NaN);
    }

    private void fromPostgres(String name, String description, ToLongFunction<FromPostgres> value) {
        gauge(
                name,
                description,
                () -> signs.postgres() instanceof FromPostgres postgres ? value.applyAsLong(postgres) : Double.NaN);
    }

    private void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).register(meters);
    }

    @Scheduled(every = "{oms.job.gauges.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void look() {
        signs = vitals.take();
    }
}
