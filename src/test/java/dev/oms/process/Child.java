package dev.oms.process;

import dev.oms.embedded.EmbeddedServers;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A child process with its own log file. It never outlives the test run, even if that is killed. */
public final class Child implements AutoCloseable {
    private final Process process;
    private final Path log;

    private Child(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * Starts a process.
     *
     * @param log its output is appended to this file
     * @param environment its settings; it does not inherit the OMS and Quarkus settings of this process
     */
    public static Child start(Path log, Map<String, String> environment, List<String> command) throws IOException {
        ProcessBuilder builder = builder(log, environment, command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log.toFile()));
        Process process = builder.start();
        EmbeddedServers.endWithThisProcess(process.toHandle(), "KILL");
        return new Child(process, log);
    }

    private static ProcessBuilder builder(Path log, Map<String, String> environment, List<String> command)
            throws IOException {
        Files.createDirectories(log.getParent());
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("OMS_") || name.startsWith("QUARKUS_"));
        builder.environment().putAll(environment);
        return builder;
    }

    /** Runs a process to its end, and returns what it writes to standard output. Its other output goes to the log. */
    static String read(Path log, Map<String, String> environment, List<String> command)
            throws IOException, InterruptedException {
        Process process = builder(log, environment, command)
                .redirectError(Redirect.appendTo(log.toFile()))
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException("The process failed, see " + log);
        }
        return output;
    }

    /** Finds a program on the PATH. */
    public static Optional<Path> find(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .map(directory -> Path.of(directory, program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /**
     * Sends a signal to a process.
     *
     * @param signal the name, such as {@code TERM}
     */
    public static void signal(ProcessHandle process, String signal) throws IOException, InterruptedException {
        if (new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                        .inheritIO()
                        .start()
                        .waitFor()
                != 0) {
            throw new IOException("kill -%s %d failed".formatted(signal, process.pid()));
        }
    }

    /** Sends SIGKILL and waits for the end of the process. */
    public void kill() {
        end(process.toHandle());
    }

    /** Sends SIGKILL to any process and waits for its end. */
    public static void end(ProcessHandle process) {
        process.destroyForcibly();
        process.onExit().orTimeout(30, TimeUnit.SECONDS).join();
    }

    /** Waits up to five minutes for the process to exit by itself, and returns its exit code. */
    public int await() throws InterruptedException {
        if (!process.waitFor(5, TimeUnit.MINUTES)) {
            kill();
            throw new IllegalStateException("The process does not exit, see " + log);
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
