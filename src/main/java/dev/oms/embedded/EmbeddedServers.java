package dev.oms.embedded;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import redis.embedded.RedisServer;

/**
 * PostgreSQL and Redis as child processes, for dev mode and the tests: nothing to install, nothing left behind. Their
 * binaries come with two libraries that are not part of the packaged application.
 *
 * <p>Both listen on free ports of the loopback interface, and end with this process, however it ends.
 */
public final class EmbeddedServers {
    private static final String STARTED = "oms.embedded.started";

    private final EmbeddedPostgres postgres;
    private final int redisPort;
    private RedisServer redis;
    private ProcessHandle redisProcess;

    private EmbeddedServers(EmbeddedPostgres postgres, int redisPort) {
        this.postgres = postgres;
        this.redisPort = redisPort;
    }

    /** Starts both once a process, and sets the system properties by which the application finds them. */
    public static void startForDev() {
        // A live reload loads this class anew: only the system properties remember.
        if (System.getProperty(STARTED) == null) {
            System.getProperties().putAll(start().settings());
            System.setProperty(STARTED, "true");
            // Dev mode runs in a child of Maven, which would outlive it when it is killed.
            ProcessHandle.current().parent().ifPresent(maven -> maven.onExit().thenRun(() -> System.exit(0)));
        }
    }

    /**
     * Starts both.
     *
     * @throws UncheckedIOException when one of them cannot be started
     */
    public static EmbeddedServers start() {
        return start(Map.of());
    }

    /**
     * Starts both.
     *
     * @param postgresSettings what PostgreSQL is to be set to; without any it is fast, and a crash loses what it had
     * @throws UncheckedIOException when one of them cannot be started
     */
    public static EmbeddedServers start(Map<String, String> postgresSettings) {
        try {
            EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                    // Not UTC, and not where the JVM is: whoever mixes up zones is to find out here.
                    .setServerConfig("timezone", "Pacific/Chatham")
                    .setServerConfig("max_connections", "200");
            postgresSettings.forEach(builder::setServerConfig);
            EmbeddedPostgres postgres = builder.start();
            ProcessHandle.of(pidOf(postgres)).ifPresent(process -> endWithThisProcess(process, "QUIT"));
            EmbeddedServers servers = new EmbeddedServers(postgres, freePort());
            servers.startRedis();
            return servers;
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL or Redis cannot be started", e);
        }
    }

    /** The process that the library knows is the one that started the server, and has ended. */
    private static long pidOf(EmbeddedPostgres postgres) throws IOException {
        try (Connection connection = postgres.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("show data_directory")) {
            row.next();
            Path pidFile = Path.of(row.getString(1), "postmaster.pid");
            return Long.parseLong(Files.readAllLines(pidFile).getFirst());
        } catch (SQLException e) {
            throw new IOException(e);
        }
    }

    /** The settings by which the application finds them. */
    public Map<String, String> settings() {
        return Map.of(
                "OMS_DB_URL",
                postgres.getJdbcUrl("postgres", "postgres"),
                "OMS_DB_USER",
                "postgres",
                "OMS_DB_PASSWORD",
                "postgres",
                "OMS_REDIS_URL",
                "redis://localhost:" + redisPort);
    }

    /** Starts a Redis with no data, on the port that it always has. */
    public void startRedis() throws IOException {
        redis = RedisServer.newRedisServer()
                .bind("127.0.0.1")
                .port(redisPort)
                .setting("save \"\"")
                .setting("appendonly no")
                .build();
        var before = ProcessHandle.current().children().toList();
        redis.start();
        redisProcess = ProcessHandle.current()
                .children()
                .filter(process -> !before.contains(process))
                .findFirst()
                .orElseThrow();
        endWithThisProcess(redisProcess, "QUIT");
    }

    /** Redis, for whoever wants to pause or kill it. */
    public ProcessHandle redisProcess() {
        return redisProcess;
    }

    /** Stops Redis, and loses what it had. */
    public void stopRedis() throws IOException {
        redis.stop();
    }

    /** Stops both. */
    public void stop() {
        try {
            redis.stop();
            postgres.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A child outlives a JVM that is killed. A shell that waits for the end of its standard input, which comes with the
     * end of this process, ends the child; the child's own end ends the shell.
     *
     * @param signal what ends the child, also one that is paused
     */
    public static void endWithThisProcess(ProcessHandle child, String signal) {
        try {
            Process shell = new ProcessBuilder(
                            "sh",
                            "-c",
                            "trap '' HUP INT TERM; cat >/dev/null; kill -%s %d; kill -CONT %2$d"
                                    .formatted(signal, child.pid()))
                    .redirectOutput(Redirect.DISCARD)
                    .redirectError(Redirect.DISCARD)
                    .start();
            child.onExit().thenRun(shell::destroyForcibly);
        } catch (IOException e) {
            // Windows: the shutdown hooks of both libraries still end them when the process ends by itself.
            System.getLogger(EmbeddedServers.class.getName())
                    .log(System.Logger.Level.DEBUG, "No shell to watch process " + child.pid(), e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
