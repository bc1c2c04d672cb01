package dev.oms.audit;

import io.quarkus.runtime.QuarkusApplication;

/** Audits once, tells what does not add up, and ends: with 0 when all does, with 1 when something does not. */
public class AuditRun implements QuarkusApplication {
    private final Audit audit;

    AuditRun(Audit audit) {
        this.audit = audit;
    }

    @Override
    public int run(String... args) {
        long discrepancies = audit.run(System.out::println);
        System.out.println(discrepancies + " discrepancies");
        return discrepancies == 0 ? 0 : 1;
    }
}
