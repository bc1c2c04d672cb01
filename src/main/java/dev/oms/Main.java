package dev.oms;

import dev.oms.access.CreateKeyTask;
import dev.oms.audit.AuditTask;
import dev.oms.embedded.EmbeddedServers;
import dev.oms.http.CheckRequestHead;
import dev.oms.start.CheckIntervals;
import dev.oms.start.MigrateTask;
import dev.oms.start.Serve;
import dev.oms.start.StartFailure;
import io.quarkus.runtime.ImageMode;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Starts OMS. In dev mode it brings its own PostgreSQL and Redis. The packaged application starts in the role that its
 * profile names, or runs the one task that its argument names.
 */
@QuarkusMain
public class Main {
    private static final String POLLER_MODE = "jdk.pollerMode";

    // A strong reference: a logger that is garbage-collected loses its level.
    private static final Logger QUARKUS_LOG = Logger.getLogger("io.quarkus.runtime.Application");

    public static void main(String... args) {
        System.setProperty(CheckRequestHead.URI_CHECK_OFF, "true");
        if (ImageMode.current().isNativeImage() && System.getProperty(POLLER_MODE) == null) {
            // Otherwise a virtual thread in a native image may wait for ever for a socket that can be read
            // (oracle/graal#13787): seen in one start of sixty on a busy machine. With 1, platform threads wait.
            System.setProperty(POLLER_MODE, "1");
        }
        // The embedded servers are on the class path in dev mode only. Nothing else tells dev mode from the packaged
        // application this early.
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
        String arguments = String.join(" ", args);
        switch (arguments) {
            // The run in which an image's AOT cache is trained ends before there is anything to serve.
            case "" -> start("true".equals(System.getenv("QUARKUS_INIT_AND_EXIT")) ? null : Serve.class);
            case "--migrate" -> migrate();
            case "--audit" -> runTask(AuditTask.class);
            case "--seed" -> runTask(SeedTask.class);
            case String create when args[0].equals("--create-key") -> createKey(args);
            case String importing when args[0].equals("--import") -> runTask(ImportTask.class, args);
            case String health
            when args[0].equals("--health") && args.length <= 2 -> System.exit(HealthTask.run(args, System.err));
            default ->
                fail(
                        "unknown argument " + arguments
                                + "; use --migrate, --audit, --seed, --create-key <name> --role <role>, --import <jdbc url>, --health <url> or no argument.");
        }
    }

    /** The task migrates, not the start, which would not tell what it did. */
    private static void migrate() {
        System.setProperty("oms.migrate", "true");
        System.setProperty("quarkus.flyway.migrate-at-start", "false");
        runTask(MigrateTask.class);
    }

    /** Standard output has nothing but the key, so that a script can read it. */
    private static void createKey(String... args) {
        System.setProperty("quarkus.log.console.stderr", "true");
        runTask(CreateKeyTask.class, args);
    }

    /** A task opens no port and runs nothing on a schedule: that is left to the workers. */
    private static void runTask(Class<? extends QuarkusApplication> task, String... args) {
        System.setProperty("quarkus.http.host-enabled", "false");
        System.setProperty("quarkus.management.host-enabled", "false");
        System.setProperty("quarkus.shutdown.delay", "0s");
        System.setProperty("oms.seed", "false");
        // A task's log is read by the person who runs it, and ends with the task's result.
        System.setProperty("quarkus.log.console.json.enabled", "false");
        System.setProperty("quarkus.log.category.\"io.quarkus\".level", "WARN");
        CheckIntervals.SETTINGS.forEach(interval -> System.setProperty(interval, "off"));
        start(task, args);
    }

    /**
     * Starts against the servers at OMS_DB_URL and OMS_REDIS_URL. A failed start prints its reason in one sentence.
     *
     * @param task what to run, or null to end once everything is initialized
     */
    private static void start(Class<? extends QuarkusApplication> task, String... args) {
        // Any other profile would enable both roles in one process.
        String profile = System.getProperty("quarkus.profile", System.getenv("QUARKUS_PROFILE"));
        if (profile != null && !List.of("prod", "worker").contains(profile)) {
            fail("QUARKUS_PROFILE must be prod (the web role) or worker, not " + profile + ".");
        }
        enableTracing();
        // Serve resumes it when the start has succeeded; a task runs nothing on a schedule.
        System.setProperty("quarkus.scheduler.start-mode", "halted");
        // Quarkus would log the same failure with a stack trace.
        QUARKUS_LOG.setLevel(Level.OFF);
        Quarkus.run(
                task,
                (exitCode, failure) -> {
                    if (failure != null) {
                        StartFailure.report(failure, System.err);
                    }
                    System.exit(exitCode);
                },
                args);
    }

    /** Traces only if there is an endpoint to export to: application.properties cannot express that condition. */
    private static void enableTracing() {
        for (String name : List.of("OTEL_EXPORTER_OTLP_ENDPOINT", "QUARKUS_OTEL_EXPORTER_OTLP_ENDPOINT")) {
            String endpoint = System.getenv(name);
            if (endpoint != null && !endpoint.isBlank() && System.getenv("QUARKUS_OTEL_SDK_DISABLED") == null) {
                System.setProperty("quarkus.otel.sdk.disabled", "false");
            }
        }
    }

    private static void fail(String sentence) {
        System.err.println("OMS did not start: " + sentence);
        System.exit(2);
    }
}
