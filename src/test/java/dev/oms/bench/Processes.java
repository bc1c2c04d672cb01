package dev.oms.bench;

import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** OMS as in production: one web process and two workers. */
final class Processes implements AutoCloseable {
    /** Longer than a worker's blocking read lasts: after this, Redis hands no more jobs to a stopped worker. */
    private static final Duration READ_TIMEOUT = Duration.ofMillis(1_300);

    private final BenchmarkServers servers;
    private final OmsProcess web;
    private final OmsProcess guardedWeb;
    private final OmsProcess worker;
    private final OmsProcess otherWorker;

    /** Does not start any process. */
    Processes(BenchmarkServers servers, List<String> flags) throws IOException {
        this.servers = servers;
        Map<String, String> environment = new HashMap<>(servers.settings());
        // The receiver of webhooks is on this machine.
        environment.put("OMS_WEBHOOKS_ALLOW", "127.0.0.0/8");
        environment.put("OMS_SECRETS_KEY", Base64.getEncoder().encodeToString(new byte[32]));
        environment.put("OMS_AUTH", "on");
        guardedWeb = new OmsProcess("bench-guarded-web", "prod", environment, flags);
        environment.put("OMS_AUTH", "off");
        web = new OmsProcess("bench-web", "prod", environment, flags);
        // An hourly audit would affect some runs and not others. The one at the end is asked for.
        environment.put("OMS_AUDIT_EVERY", "off");
        worker = new OmsProcess("bench-worker-1", "worker", environment, flags);
        otherWorker = new OmsProcess("bench-worker-2", "worker", environment, flags);
    }

    OmsProcess web() {
        return web;
    }

    /** A web process that asks for keys. */
    OmsProcess guardedWeb() {
        return guardedWeb;
    }

    OmsProcess worker() {
        return worker;
    }

    /** The second worker. */
    OmsProcess otherWorker() {
        return otherWorker;
    }

    int port() {
        return web.uri("").getPort();
    }

    /**
     * Starts a process.
     *
     * @return the time until its readiness probe returned 200
     */
    static Duration start(OmsProcess process) throws IOException, InterruptedException {
        long started = System.nanoTime();
        process.start();
        while (!isReady(process)) {
            if (!process.isAlive()) {
                throw new IllegalStateException("The process exited, see " + process.log());
            }
            Thread.sleep(5);
        }
        return Duration.ofNanos(System.nanoTime() - started);
    }

    private static boolean isReady(OmsProcess process) {
        try (HttpConnection http = new HttpConnection(process.managementUri("").getPort())) {
            http.get("/q/health/ready");
            return true;
        } catch (IOException notYet) {
            return false;
        }
    }

    /** The resident memory of a process, in MiB. */
    static double residentMebibytes(OmsProcess process) throws IOException {
        return status(process, "VmRSS") / 1024;
    }

    /** The threads of the operating system that a process has. */
    static int threads(OmsProcess process) throws IOException {
        return (int) status(process, "Threads");
    }

    private static double status(OmsProcess process, String name) throws IOException {
        return Files.readAllLines(
                        Path.of("/proc/%d/status".formatted(process.handle().pid())))
                .stream()
                .filter(line -> line.startsWith(name + ":"))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }

    /** Stops an idle worker with SIGSTOP, so that it keeps its connections and its JIT-compiled code. */
    void pause(OmsProcess process) throws IOException, InterruptedException {
        servers.awaitSettled();
        Child.signal(process.handle(), "STOP");
        while (servers.number("select count(*) from pg_stat_activity where state <> 'idle' and application_name = '%s'"
                        .formatted(process.name()))
                > 0) {
            Child.signal(process.handle(), "CONT");
            Thread.sleep(50);
            Child.signal(process.handle(), "STOP");
        }
        Thread.sleep(READ_TIMEOUT);
    }

    /** Resumes a paused worker; use {@link BenchmarkServers#awaitWorkers} to wait until it polls again. */
    void resume(OmsProcess process) throws IOException, InterruptedException {
        Child.signal(process.handle(), "CONT");
    }

    @Override
    public void close() {
        otherWorker.close();
        worker.close();
        guardedWeb.close();
        web.close();
    }
}
