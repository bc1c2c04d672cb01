package dev.oms.audit;

import dev.oms.audit.Audits.Last;
import dev.oms.audit.Audits.Status;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.function.ToDoubleFunction;

/**
 * Gauges of the stored audits, the same whichever worker reports them; NaN while PostgreSQL does not answer:
 *
 * <ul>
 *   <li>{@code oms_audit_discrepancies}: found by the last complete audit; -1 before the first.
 *   <li>{@code oms_audit_failed}: 1 if the last audit failed, else 0.
 * </ul>
 */
@ApplicationScoped
class AuditMetric {
    private final MeterRegistry meters;
    private volatile Last last;

    AuditMetric(MeterRegistry meters) {
        this.meters = meters;
    }

    void register() {
        gauge(
                "oms.audit.discrepancies",
                "Discrepancies found by the last complete audit.",
                audit -> audit.lastCount() == null ? -1 : audit.lastCount());
        gauge("oms.audit.failed", "Whether the last audit failed.", audit -> audit.status() == Status.Failed ? 1 : 0);
    }

    private void gauge(String name, String description, ToDoubleFunction<Last> value) {
        Gauge.builder(name, () -> last instanceof Last audit ? value.applyAsDouble(audit) : Double.NaN)
                .description(description)
                .register(meters);
    }

    /** @param audit the last audit, or null while it is unknown */
    void publish(Last audit) {
        last = audit;
    }
}
