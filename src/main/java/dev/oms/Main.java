package dev.oms;

import dev.oms.embedded.EmbeddedServers;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Starts OMS; in dev mode with a PostgreSQL and a Redis of its own. */
@QuarkusMain
public class Main {
    // Held on to, for a logger that nobody holds forgets its level.
    private static final Logger QUARKUS = Logger.getLogger("io.quarkus.runtime.Application");

    public static void main(String... args) {
        // They are there in dev mode, and not in the packaged application: nothing else tells the two apart this early.
        try {
            Class.forName("io.zonky.test.db.postgres.embedded.EmbeddedPostgres");
            EmbeddedServers.startForDev();
        } catch (ClassNotFoundException e) {
            runPackaged(args);
            return;
        }
        Quarkus.run(args);
    }

    /** The servers are where OMS_DB_URL and OMS_REDIS_URL say, and a start that fails says why in one sentence. */
    private static void runPackaged(String... args) {
        // It would tell the same with a stack trace.
        QUARKUS.setLevel(Level.OFF);
        boolean audit = List.of(args).contains(AuditRun.FLAG);
        if (audit) {
            AuditRun.configure();
        }
        Quarkus.run(
                audit ? AuditRun.class : null,
                (exitCode, failure) -> {
                    if (failure != null) {
                        StartFailure.tell(failure, System.err);
                    }
                    System.exit(exitCode);
                },
                args);
    }
}
