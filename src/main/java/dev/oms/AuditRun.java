package dev.oms;

import dev.oms.job.Audit;
import io.quarkus.runtime.QuarkusApplication;

/** Audits once, tells what does not add up, and ends: with 0 when all does, with 1 when something does not. */
public class AuditRun implements QuarkusApplication {
    /** The argument that asks for it. */
    static final String FLAG = "--audit";

    private final Audit audit;

    AuditRun(Audit audit) {
        this.audit = audit;
    }

    /** An audit is no server, and changes nothing. */
    static void configure() {
        System.setProperty("quarkus.http.host-enabled", "false");
        System.setProperty("quarkus.flyway.migrate-at-start", "false");
        System.setProperty("oms.seed", "false");
        for (String task : new String[] {
            "oms.job.consumer.every", "oms.job.reconciler.every", "oms.audit.every", "oms.idempotency.purge.every"
        }) {
            System.setProperty(task, "off");
        }
    }

    @Override
    public int run(String... args) {
        long discrepancies = audit.run(System.out::println);
        System.out.println(discrepancies + " discrepancies");
        return discrepancies == 0 ? 0 : 1;
    }
}
