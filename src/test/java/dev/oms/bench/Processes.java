package dev.oms.bench;

import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** OMS as in production: one web, two workers, each a process. */
final class Processes implements AutoCloseable {
    /** Longer than a worker waits for a job at a time: by then Redis has answered, and gives it none when it stands. */
    private static final Duration READ_TIMEOUT = Duration.ofMillis(1_300);

    private final Books books;
    private final OmsProcess web;
    private final OmsProcess worker;
    private final OmsProcess otherWorker;

    /** Starts none. */
    Processes(Books books, List<String> flags) throws IOException {
        this.books = books;
        Map<String, String> environment = new HashMap<>(books.settings());
        web = new OmsProcess("bench-web", "prod", environment, flags);
        // An hourly task in the midst of a run would be seen in one figure, and not in the next.
        environment.put("OMS_AUDIT_EVERY", "off");
        worker = new OmsProcess("bench-worker-1", "worker", environment, flags);
        otherWorker = new OmsProcess("bench-worker-2", "worker", environment, flags);
    }

    OmsProcess web() {
        return web;
    }

    OmsProcess worker() {
        return worker;
    }

    /** The second one. */
    OmsProcess otherWorker() {
        return otherWorker;
    }

    int port() {
        return web.uri("").getPort();
    }

    /**
     * Starts it.
     *
     * @return how long it took until it answered that it is ready
     */
    static Duration start(OmsProcess process) throws IOException, InterruptedException {
        long started = System.nanoTime();
        process.start();
        while (!isReady(process)) {
            if (!process.isAlive()) {
                throw new IllegalStateException("It has ended, see " + process.log());
            }
            Thread.sleep(5);
        }
        return Duration.ofNanos(System.nanoTime() - started);
    }

    private static boolean isReady(OmsProcess process) {
        try (HttpConnection http = new HttpConnection(process.uri("").getPort())) {
            http.get("/q/health/ready");
            return true;
        } catch (IOException notYet) {
            return false;
        }
    }

    /** How many MiB of memory a process has. */
    static double residentMebibytes(OmsProcess process) throws IOException {
        return Files.readAllLines(
                        Path.of("/proc/%d/status".formatted(process.handle().pid())))
                .stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
                .findFirst()
                .orElseThrow();
    }

    /** Lets a worker that has nothing to do stand still; it keeps its connections, and its JIT-compiled code. */
    void pause(OmsProcess process) throws IOException, InterruptedException {
        books.awaitSettled();
        Child.signal(process.handle(), "STOP");
        while (books.number("select count(*) from pg_stat_activity where state <> 'idle' and application_name = '%s'"
                        .formatted(process.name()))
                > 0) {
            Child.signal(process.handle(), "CONT");
            Thread.sleep(50);
            Child.signal(process.handle(), "STOP");
        }
        Thread.sleep(READ_TIMEOUT);
    }

    /** Lets it go on; {@link Books#awaitWorkers} says when it does. */
    void resume(OmsProcess process) throws IOException, InterruptedException {
        Child.signal(process.handle(), "CONT");
    }

    @Override
    public void close() {
        otherWorker.close();
        worker.close();
        web.close();
    }
}
