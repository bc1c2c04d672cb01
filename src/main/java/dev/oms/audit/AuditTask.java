package dev.oms.audit;

import dev.oms.audit.Audits.Last;
import dev.oms.audit.Audits.Status;
import dev.oms.http.Causes;
import io.quarkus.runtime.QuarkusApplication;
import java.time.Duration;

/**
 * {@code --audit}: runs a full audit, or waits for the worker that has taken it up; prints the first 1,000
 * discrepancies and their number. Exits with 0 if there are none, 1 if there are any, and 2 if the audit fails.
 */
public class AuditTask implements QuarkusApplication {
    private static final Duration POLL = Duration.ofMillis(500);

    private final Audits audits;
    private final RunAudit runAudit;

    AuditTask(Audits audits, RunAudit runAudit) {
        this.audits = audits;
        this.runAudit = runAudit;
    }

    @Override
    public int run(String... args) throws InterruptedException {
        try {
            Last last = result(audits.request());
            if (last.status() == Status.Complete) {
                last.discrepancies().forEach(System.out::println);
                System.out.println(last.count() + " discrepancies");
                return last.count() == 0 ? 0 : 1;
            }
            System.err.println("The audit failed: " + last.error());
        } catch (RuntimeException e) {
            System.err.println("The audit failed: " + Causes.root(e).getMessage());
        }
        return 2;
    }

    private Last result(long id) throws InterruptedException {
        while (true) {
            runAudit.runNext();
            Last last = audits.last();
            if (last.id() != null && last.id() >= id) {
                return last;
            }
            // A worker runs it, or the one before.
            Thread.sleep(POLL);
        }
    }
}
