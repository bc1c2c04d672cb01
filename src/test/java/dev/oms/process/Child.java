package dev.oms.process;

import dev.oms.embedded.EmbeddedServers;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A process of ours, with a log of its own. Whatever becomes of the tests, it does not outlive them. */
public final class Child implements AutoCloseable {
    private final Process process;
    private final Path log;

    private Child(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * Starts it.
     *
     * @param log what it prints is appended to this file
     * @param environment its own settings: it gets none of ours
     */
    public static Child start(Path log, Map<String, String> environment, List<String> command) throws IOException {
        Files.createDirectories(log.getParent());
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(Redirect.appendTo(log.toFile()));
        builder.environment().keySet().removeIf(name -> name.startsWith("OMS_") || name.startsWith("QUARKUS_"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        EmbeddedServers.endWithThisProcess(process.toHandle(), "KILL");
        return new Child(process, log);
    }

    /** Sends a signal to a process by its id. */
    public static void signal(ProcessHandle process, String signal) throws IOException, InterruptedException {
        if (new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                        .inheritIO()
                        .start()
                        .waitFor()
                != 0) {
            throw new IOException("kill -%s %d failed".formatted(signal, process.pid()));
        }
    }

    /** SIGKILL: returns when it is gone. */
    public void kill() {
        end(process.toHandle());
    }

    /** SIGKILL to any process: returns when it is gone. */
    public static void end(ProcessHandle process) {
        process.destroyForcibly();
        process.onExit().orTimeout(30, TimeUnit.SECONDS).join();
    }

    /** Waits until it has ended by itself, and returns its exit code. */
    public int await() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            kill();
            throw new IllegalStateException("It does not end, see " + log);
        }
        return process.exitValue();
    }

    public ProcessHandle handle() {
        return process.toHandle();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public Path log() {
        return log;
    }

    @Override
    public void close() {
        kill();
    }
}
