package dev.oms.start;

import io.quarkus.runtime.QuarkusApplication;
import java.time.Duration;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.output.MigrateResult;

/**
 * {@code --migrate}: {@linkplain MigrateOnline migrates} the database, prints what it did, and exits. Does not need
 * Redis. A migration that fails is reported like a failed start.
 */
public class MigrateTask implements QuarkusApplication {
    private final Flyway flyway;

    MigrateTask(Flyway flyway) {
        this.flyway = flyway;
    }

    @Override
    public int run(String... args) {
        long started = System.nanoTime();
        MigrateResult result = flyway.migrate();
        System.out.println(sentence(result, Duration.ofNanos(System.nanoTime() - started)));
        return 0;
    }

    static String sentence(MigrateResult result, Duration duration) {
        if (result.migrationsExecuted == 0) {
            return "Schema is up to date at version " + result.initialSchemaVersion;
        }
        String before =
                result.initialSchemaVersion == null ? "an empty schema" : "version " + result.initialSchemaVersion;
        return "Migrated from %s to version %s in %d s"
                .formatted(before, result.targetSchemaVersion, Math.ceilDiv(duration.toMillis(), 1000L));
    }
}
