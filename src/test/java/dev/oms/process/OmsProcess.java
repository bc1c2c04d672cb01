package dev.oms.process;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The packaged application in one of its roles, as a process: the native binary where one was built, else the jar. */
public final class OmsProcess implements AutoCloseable {
    private static final Path JAR = Path.of("target/quarkus-app/quarkus-run.jar");
    private static final Path LOGS = Path.of("target/processes");

    /** Set by the build's profile "native", as for Quarkus's own tests. */
    private static final String BINARY = System.getProperty("native.image.path");

    /** The classes as they are in memory: without it a start takes half as long again, and there are dozens. */
    private static final Path ARCHIVE = LOGS.resolve("classes.jsa");

    private final String name;
    private final int port;
    private final Map<String, String> environment;
    private Child child;

    /**
     * Does not start yet.
     *
     * @param name tells it apart, in the name of its log and in PostgreSQL's {@code application_name}
     */
    public OmsProcess(String name, String profile, Map<String, String> environment) throws IOException {
        this.name = name;
        this.port = freePort();
        this.environment = new HashMap<>(environment);
        this.environment.put("QUARKUS_PROFILE", profile);
        this.environment.putIfAbsent("QUARKUS_HTTP_PORT", Integer.toString(port));
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

    public URI uri(String path) {
        return URI.create("http://localhost:" + port + path);
    }

    public boolean isAlive() {
        return child != null && child.isAlive();
    }

    /** Starts it, where it is not running, and returns at once. */
    public void start() throws IOException {
        if (!isAlive()) {
            start("-XX:SharedArchiveFile=" + ARCHIVE);
        }
    }

    /** Runs it to its end, and returns its exit code. */
    public int run(String... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(BINARY == null ? jar("-XX:SharedArchiveFile=" + ARCHIVE) : List.of(BINARY));
        command.addAll(List.of(arguments));
        return Child.start(log(), environment, command).await();
    }

    private void start(String archiving) throws IOException {
        child = Child.start(log(), environment, BINARY == null ? jar(archiving) : List.of(BINARY));
    }

    private static List<String> jar(String archiving) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                archiving,
                "-jar",
                JAR.toString());
    }

    /** Starts and stops it once, which migrates the database and makes the later starts of a jar faster. */
    public void warmUp() throws IOException, InterruptedException {
        Files.deleteIfExists(ARCHIVE);
        start("-XX:ArchiveClassesAtExit=" + ARCHIVE);
        awaitReady();
        stop();
    }

    /** SIGTERM, and waits for its end. */
    public void stop() throws IOException, InterruptedException {
        Child.signal(child.handle(), "TERM");
        child.handle().onExit().orTimeout(60, TimeUnit.SECONDS).join();
    }

    /** Waits until it has what it needs. */
    public void awaitReady() {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(uri("/q/health/ready"))
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

    /** What it answers. */
    public String get(String path) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.ofString())
                    .body();
        }
    }

    /** SIGKILL. */
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
