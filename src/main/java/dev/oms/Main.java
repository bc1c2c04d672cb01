package dev.oms;

import dev.oms.audit.AuditRun;
import dev.oms.embedded.EmbeddedServers;
import dev.oms.start.StartFailure;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Starts OMS: in dev mode with a PostgreSQL and a Redis of its own; packaged in the role that its profile says, or for
 * the one task that an argument asks for.
 */
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

    private static void runPackaged(String... args) {
        switch (args.length == 0 ? "" : args[0]) {
            case "" -> run(null);
            case "--audit" -> runOnce(AuditRun.class);
            case "--seed" -> runOnce(SeedRun.class);
            case "--health" -> System.exit(CheckHealth.of(args.length == 1 ? "" : args[1], System.err) ? 0 : 1);
            default ->
                refuse("it takes --audit, --seed, --health <url> or no argument, not " + String.join(" ", args) + ".");
        }
    }

    /** A task is no server, and leaves what is on a schedule to the workers. */
    private static void runOnce(Class<? extends QuarkusApplication> task) {
        System.setProperty("quarkus.http.host-enabled", "false");
        System.setProperty("quarkus.shutdown.delay", "0s");
        System.setProperty("oms.seed", "false");
        // Whoever runs a task reads what it says.
        System.setProperty("quarkus.log.console.json.enabled", "false");
        for (String schedule : new String[] {
            "oms.job.consumer.every",
            "oms.job.reconciler.every",
            "oms.job.gauges.every",
            "oms.audit.every",
            "oms.flow.every",
            "oms.idempotency.purge.every"
        }) {
            System.setProperty(schedule, "off");
        }
        run(task);
    }

    /** The servers are where OMS_DB_URL and OMS_REDIS_URL say, and a start that fails says why in one sentence. */
    private static void run(Class<? extends QuarkusApplication> task) {
        // Any other profile would be both roles at once.
        String profile = System.getProperty("quarkus.profile", System.getenv("QUARKUS_PROFILE"));
        if (profile != null && !List.of("prod", "worker").contains(profile)) {
            refuse("QUARKUS_PROFILE must be prod, which is web, or worker, not " + profile + ".");
        }
        traceIfAsked();
        // It would tell the same with a stack trace.
        QUARKUS.setLevel(Level.OFF);
        Quarkus.run(task, (exitCode, failure) -> {
            if (failure != null) {
                StartFailure.tell(failure, System.err);
            }
            System.exit(exitCode);
        });
    }

    /** Without a place to send them to, traces are not even begun: that cannot be said in application.properties. */
    private static void traceIfAsked() {
        for (String name : List.of("OTEL_EXPORTER_OTLP_ENDPOINT", "QUARKUS_OTEL_EXPORTER_OTLP_ENDPOINT")) {
            String endpoint = System.getenv(name);
            if (endpoint != null && !endpoint.isBlank() && System.getenv("QUARKUS_OTEL_SDK_DISABLED") == null) {
                System.setProperty("quarkus.otel.sdk.disabled", "false");
            }
        }
    }

    private static void refuse(String sentence) {
        System.err.println("OMS did not start: " + sentence);
        System.exit(2);
    }
}
