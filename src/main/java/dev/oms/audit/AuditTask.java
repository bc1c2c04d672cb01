package dev.oms.audit;

import io.quarkus.runtime.QuarkusApplication;

/**
 * {@code --audit}: audits once, prints every discrepancy and their number, and exits with 1 if there are any, else 0.
 */
public class AuditTask implements QuarkusApplication {
    private final Audit audit;

    AuditTask(Audit audit) {
        this.audit = audit;
    }

    @Override
    public int run(String... args) {
        long discrepancies = audit.run(System.out::println);
        System.out.println(discrepancies + " discrepancies");
        return discrepancies == 0 ? 0 : 1;
    }
}
