package dev.oms.process;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Runs the packaged application in one of its roles as a process: the native binary if there is one, else the jar. */
public final class OmsProcess implements AutoCloseable {
    private static final Path JAR = Path.of("target/quarkus-app/quarkus-run.jar");
    private static final Path LOGS = Path.of("target/processes");

    /** The build's profile "native" sets this property, as for Quarkus's integration tests. */
    private static final String BINARY = System.getProperty("native.image.path");

    /** A class data sharing archive. Without it each of dozens of starts takes half as long again. */
    private static final Path ARCHIVE = LOGS.resolve("classes.jsa");

    /** Optimizes for start-up time: that is what the tests wait for, and no process runs for long. */
    private static final List<String> QUICK_TO_START =
            List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m");

    private static final Pattern ID = Pattern.compile("\"id\":(\\d+)");

    private final String name;
    private final int port;
    private final int managementPort;
    private final Map<String, String> environment;
    private final List<String> flags;
    private Child child;

    /**
     * Prepares a process without starting it. It asks for no keys unless {@code OMS_AUTH} is set, to null for the
     * default.
     *
     * @param name unique; used for the log file and PostgreSQL's {@code application_name}
     */
    public OmsProcess(String name, String profile, Map<String, String> environment) throws IOException {
        this(
                name,
                profile,
                environment,
                Stream.concat(QUICK_TO_START.stream(), Stream.of("-XX:SharedArchiveFile=" + ARCHIVE))
                        .toList());
    }

    /**
     * Prepares a process with other JVM flags.
     *
     * @param flags ignored for a native binary
     */
    public OmsProcess(String name, String profile, Map<String, String> environment, List<String> flags)
            throws IOException {
        this.name = name;
        this.flags = flags;
        this.port = freePort();
        this.managementPort = freePort();
        this.environment = new HashMap<>(environment);
        this.environment.put("QUARKUS_PROFILE", profile);
        if (!environment.containsKey("OMS_AUTH")) {
            this.environment.put("OMS_AUTH", "off");
        }
        this.environment.values().removeIf(Objects::isNull);
        this.environment.putIfAbsent("QUARKUS_HTTP_PORT", Integer.toString(port));
        this.environment.putIfAbsent("QUARKUS_MANAGEMENT_PORT", Integer.toString(managementPort));
        this.environment.computeIfPresent(
                "OMS_DB_URL",
                (key, url) -> url.isEmpty() ? url : url + (url.contains("?") ? "&" : "?") + "ApplicationName=" + name);
    }

    public static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    public String name() {
        return name;
    }

    public ProcessHandle handle() {
        return child.handle();
    }

    public Path log() {
        return LOGS.resolve(name + ".log");
    }

    /** How many lines of the log contain a text. Every start appends to the log, even that of an earlier test run. */
    public long logged(String text) {
        try (Stream<String> lines = Files.lines(log())) {
            return lines.filter(line -> line.contains(text)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public URI uri(String path) {
        return URI.create("http://localhost:" + port + path);
    }

    /** A URI on the port for health checks and metrics, which is the only one of a worker. */
    public URI managementUri(String path) {
        return URI.create("http://localhost:" + managementPort + path);
    }

    public boolean isAlive() {
        return child != null && child.isAlive();
    }

    /** Starts the process unless it is running, and returns at once. */
    public void start() throws IOException {
        if (!isAlive()) {
            start(flags);
        }
    }

    /** Starts the process with arguments, and returns at once. */
    public void startTask(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(command(flags));
        command.addAll(List.of(arguments));
        child = Child.start(log(), environment, command);
    }

    /** Runs the process to its end, and returns its exit code. */
    public int run(String... arguments) throws IOException, InterruptedException {
        startTask(arguments);
        return child.await();
    }

    /** Runs the process to its end, and returns what it writes to standard output. */
    public String read(String... arguments) throws IOException, InterruptedException {
        // Without the archive: if it is missing, the JVM says so there.
        List<String> command = new ArrayList<>(command(QUICK_TO_START));
        command.addAll(List.of(arguments));
        return Child.read(log(), environment, command);
    }

    private void start(List<String> flags) throws IOException {
        child = Child.start(log(), environment, command(flags));
    }

    private static List<String> command(List<String> flags) {
        if (BINARY != null) {
            return List.of(BINARY);
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of("-jar", JAR.toString()));
        return command;
    }

    /** Starts and stops the process once, which migrates the database and makes later starts of the jar faster. */
    public void warmUp() throws IOException, InterruptedException {
        Files.deleteIfExists(ARCHIVE);
        start(Stream.concat(QUICK_TO_START.stream(), Stream.of("-XX:ArchiveClassesAtExit=" + ARCHIVE))
                .toList());
        awaitReady();
        stop();
    }

    /** Sends SIGTERM and waits for the end of the process. */
    public void stop() throws IOException, InterruptedException {
        Child.signal(child.handle(), "TERM");
        child.handle().onExit().orTimeout(60, TimeUnit.SECONDS).join();
    }

    /** Waits until the readiness check succeeds. */
    public void awaitReady() {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(managementUri("/q/health/ready"))
                    .timeout(Duration.ofSeconds(20))
                    .build();
            await().alias(name + " is ready, see " + child.log())
                    .atMost(Duration.ofSeconds(90))
                    .pollInterval(Duration.ofMillis(100))
                    .until(() -> {
                        if (!child.isAlive()) {
                            throw new IllegalStateException(name + " has ended, see " + child.log());
                        }
                        try {
                            return client.send(request, BodyHandlers.discarding())
                                            .statusCode()
                                    == 200;
                        } catch (IOException notYet) {
                            return false;
                        }
                    });
        }
    }

    /** The body of the response to a GET request. */
    public String get(String path) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.ofString())
                    .body();
        }
    }

    /** What {@code /q/metrics} returns. */
    public String metrics() throws IOException, InterruptedException {
        // The upgrade to HTTP/2 sometimes fails under load ("exceeds MAX_FRAME_SIZE").
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            return client.send(
                            HttpRequest.newBuilder(managementUri("/q/metrics")).build(), BodyHandlers.ofString())
                    .body();
        }
    }

    /** The status of the response to a GET request. */
    public int status(String path) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.discarding())
                    .statusCode();
        }
    }

    /** Asks this web for an audit, and waits up to 10 minutes until a worker has run it; returns the result. */
    public String audit() throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(uri("/inventory_items/audit"))
                .POST(BodyPublishers.noBody())
                .build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            long asked = idOf(client.send(request, BodyHandlers.ofString()).body());
            return await().alias("audit " + asked)
                    .atMost(Duration.ofMinutes(10))
                    .pollInterval(Duration.ofMillis(200))
                    .until(() -> get("/inventory_items/audit"), audit -> idOf(audit) >= asked);
        }
    }

    private static long idOf(String audit) {
        Matcher id = ID.matcher(audit);
        return id.find() ? Long.parseLong(id.group(1)) : -1;
    }

    /** Sends SIGKILL and waits for the end of the process. */
    public void kill() {
        if (child != null) {
            child.kill();
        }
    }

    @Override
    public void close() {
        kill();
    }
}
