package dev.oms.audit;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Audits on a schedule and publishes the number of discrepancies as {@code oms_audit_discrepancies}: -1 before the
 * first audit.
 */
@ApplicationScoped
class AuditMetric {
    private static final Logger LOG = Logger.getLogger(AuditMetric.class);

    private final Audit audit;
    private final MeterRegistry meters;
    private final boolean isOn;
    private final AtomicLong discrepancies = new AtomicLong(-1);

    AuditMetric(Audit audit, MeterRegistry meters, @ConfigProperty(name = "oms.audit.every") String every) {
        this.audit = audit;
        this.meters = meters;
        this.isOn = !every.equals("off");
    }

    void start(@Observes StartupEvent event) {
        if (!isOn) {
            return;
        }
        Gauge.builder("oms.audit.discrepancies", discrepancies, AtomicLong::doubleValue)
                .description("Discrepancies found by the last audit.")
                .register(meters);
    }

    @Scheduled(every = "{oms.audit.every}", delayed = "1m", concurrentExecution = ConcurrentExecution.SKIP)
    void run() {
        try {
            discrepancies.set(audit.run(found -> LOG.errorf("Audit: %s", found)));
        } catch (RuntimeException e) {
            LOG.warn("The audit failed; it runs again on schedule", e);
        }
    }
}
