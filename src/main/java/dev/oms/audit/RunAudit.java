package dev.oms.audit;

import dev.oms.audit.Audits.Lease;
import dev.oms.audit.Audits.LostLeaseException;
import dev.oms.http.DatabaseFailure;
import dev.oms.job.OutageLog;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.DurationConverter;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.quarkus.scheduler.common.runtime.util.SchedulerUtils;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Takes up audits, on schedule or on request, and runs them: one at a time in the whole installation. Publishes the
 * stored result as metrics.
 */
@ApplicationScoped
class RunAudit {
    private static final Logger LOG = Logger.getLogger(RunAudit.class);

    /** How long a shutdown waits for the range. The consumer may have waited for 20 s before. */
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);

    private final Audits audits;
    private final Audit audit;
    private final AuditMetric metric;
    private final boolean isOn;

    /** Null for no schedule. */
    private final Duration every;

    private final OutageLog outage = new OutageLog(LOG, "Audits cannot be taken up");
    private final ReentrantLock running = new ReentrantLock();

    RunAudit(
            Audits audits,
            Audit audit,
            AuditMetric metric,
            @ConfigProperty(name = "oms.audit.poll.every") String poll,
            @ConfigProperty(name = "oms.audit.every") String every) {
        this.audits = audits;
        this.audit = audit;
        this.metric = metric;
        this.isOn = !SchedulerUtils.isOff(poll);
        this.every = SchedulerUtils.isOff(every) ? null : DurationConverter.parseDuration(every);
    }

    void start(@Observes StartupEvent event) {
        if (isOn) {
            metric.register();
        }
    }

    /**
     * Waits for the current range, then releases the audit for another worker. If the range does not end in time,
     * another worker takes over when the lease expires.
     */
    void stop(@Observes ShutdownEvent event) {
        audit.stop();
        try {
            if (running.tryLock(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                running.unlock();
            } else {
                LOG.warnf("The audit has not stopped after %d s: it is left to others", STOP_TIMEOUT.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // It runs for minutes, so it must not occupy a thread of the shared worker pool.
    @RunOnVirtualThread
    @Scheduled(every = "{oms.audit.poll.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void poll() {
        running.lock();
        try {
            metric.publish(audits.last());
            if (runNext()) {
                metric.publish(audits.last());
            }
            outage.recovered();
        } catch (RuntimeException e) {
            metric.publish(null);
            outage.failed(e);
        } finally {
            running.unlock();
        }
    }

    /**
     * Runs the next audit, if there is one to run, no other worker runs one, and this process is not being shut down.
     *
     * @return whether it ran one
     */
    boolean runNext() {
        if (audit.isStopping()) {
            return false;
        }
        Lease lease = audits.takeUp(every).orElse(null);
        if (lease == null) {
            return false;
        }
        try {
            Audit.Outcome outcome = audit.run(lease);
            if (lease.isFull() || outcome.findings().count() == 0) {
                audits.complete(lease, outcome);
                outcome.findings().first().forEach(found -> LOG.errorf("Audit: %s", found));
            } else {
                // Only a full audit reports all discrepancies, each once.
                audits.release(lease);
            }
        } catch (LostLeaseException e) {
            LOG.warn(e.getMessage());
        } catch (Audit.StoppedException e) {
            audits.release(lease);
        } catch (RuntimeException e) {
            LOG.error("The audit failed", e);
            audits.fail(
                    lease,
                    DatabaseFailure.of(e).isTransient()
                            ? "The database was unavailable or busy."
                            : "An unexpected error occurred; the worker has logged it.");
        }
        return true;
    }
}
