package dev.oms;

import static org.awaitility.Awaitility.await;

import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Runs a worker process beside the packaged web that Quarkus starts for an integration test, as in production. */
public final class PackagedWorker implements QuarkusTestResourceLifecycleManager {
    private static OmsProcess worker;
    private static OmsProcess auditor;

    @Override
    public int order() {
        // After OmsServers.
        return 1;
    }

    @Override
    public Map<String, String> start() {
        try {
            Map<String, String> environment = new HashMap<>(OmsServers.servers().settings());
            environment.putAll(Map.of(
                    "OMS_JOB_RECONCILER_EVERY", "1s",
                    "OMS_JOB_RECONCILER_GRACE", "1s",
                    "OMS_JOB_CONSUMER_CLAIM_AFTER", "2s",
                    // It may be paused in the middle of one.
                    "OMS_AUDIT_POLL_EVERY", "off",
                    "OMS_IDEMPOTENCY_PURGE_EVERY", "off",
                    // Tests leave webhooks behind.
                    "OMS_WEBHOOKS_DISPATCHER_EVERY", "off"));
            worker = new OmsProcess("it-worker", "worker", environment);
            worker.start();
            worker.awaitReady();
            return Map.of();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void stop() {
        if (auditor != null) {
            auditor.close();
            auditor = null;
        }
        if (worker != null) {
            worker.close();
            worker = null;
        }
    }

    /** Whether this is an integration test with such a worker. */
    public static boolean isRunning() {
        return worker != null;
    }

    /** Sends SIGSTOP: nothing is settled until {@link #settle}. */
    public static void pause() {
        signal("STOP");
    }

    /** Resumes the worker until everything due is settled. */
    public static void settle() {
        signal("CONT");
        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> OmsServers.streams().depth() == 0
                        && OmsServers.ledger().count("orders where due is not null") == 0);
        pause();
    }

    /**
     * In an integration test, starts another worker unless it runs: it settles nothing, but runs the audits that are
     * asked for.
     */
    public static void startAuditor() {
        if (worker == null || auditor != null) {
            return;
        }
        try {
            Map<String, String> environment = new HashMap<>(OmsServers.servers().settings());
            environment.putAll(Map.of(
                    "OMS_JOB_CONSUMER_EVERY", "off",
                    "OMS_JOB_RECONCILER_EVERY", "off",
                    "OMS_JOB_GAUGES_EVERY", "off",
                    "OMS_IDEMPOTENCY_PURGE_EVERY", "off",
                    "OMS_AUDIT_EVERY", "off",
                    "OMS_AUDIT_POLL_EVERY", "1s"));
            auditor = new OmsProcess("it-auditor", "worker", environment);
            auditor.start();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void signal(String signal) {
        try {
            Child.signal(worker.handle(), signal);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
