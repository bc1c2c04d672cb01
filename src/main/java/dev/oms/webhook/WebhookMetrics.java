package dev.oms.webhook;

import dev.oms.webhook.WebhookLeases.Counts;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What this worker has sent, and how the endpoints are that it sends to. */
@ApplicationScoped
class WebhookMetrics {
    private static final String ENDPOINT = "endpoint";

    private final Counter succeeded;
    private final Counter failed;
    private final MultiGauge lag;
    private final MultiGauge failing;
    private final AtomicLong disabled = new AtomicLong();
    private final AtomicLong unattended = new AtomicLong();
    private final Clock clock;

    WebhookMetrics(MeterRegistry registry, Clock clock) {
        this.succeeded = deliveries(registry, "succeeded");
        this.failed = deliveries(registry, "failed");
        this.lag = MultiGauge.builder("oms.webhooks.lag")
                .description("Age of the oldest event in hand that the endpoint has not got")
                .baseUnit("seconds")
                .register(registry);
        this.failing = MultiGauge.builder("oms.webhooks.failing")
                .description("For how long the endpoint has failed, as a share of the time after which it is disabled")
                .baseUnit("ratio")
                .register(registry);
        Gauge.builder("oms.webhooks.disabled", disabled, AtomicLong::get)
                .description("Endpoints that workers have disabled because they failed or were gone")
                .register(registry);
        Gauge.builder("oms.webhooks.unattended", unattended, AtomicLong::get)
                .description("Endpoints that no worker sends to")
                .register(registry);
        this.clock = clock;
    }

    private static Counter deliveries(MeterRegistry registry, String outcome) {
        return Counter.builder("oms.webhooks.attempts")
                .description("Attempts to send an event")
                .tag("outcome", outcome)
                .register(registry);
    }

    void sent(Outcome outcome) {
        (outcome.isSuccess() ? succeeded : failed).increment();
    }

    /**
     * Takes the figures of the endpoints that this worker has.
     *
     * @param counts of all endpoints
     */
    void update(Collection<Endpoint> endpoints, Counts counts, long nowNanos) {
        disabled.set(counts.disabled());
        unattended.set(counts.unattended());
        Instant now = clock.instant();
        List<Row<?>> lags = new ArrayList<>();
        List<Row<?>> failures = new ArrayList<>();
        for (Endpoint endpoint : endpoints) {
            Tags tags = Tags.of(ENDPOINT, Long.toString(endpoint.id));
            Duration age = endpoint.oldest()
                    .map(oldest -> Duration.between(oldest, now))
                    .orElse(Duration.ZERO);
            lags.add(Row.of(tags, Math.max(0, age.toMillis() / 1_000.0)));
            failures.add(Row.of(
                    tags, (double) endpoint.failing(nowNanos).toSeconds() / SaveProgress.FAILING_MAX.toSeconds()));
        }
        lag.register(lags, true);
        failing.register(failures, true);
    }
}
