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
 * <p>Both listen on free ports of the loopback interface and end with this process, even when it is killed.
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

    /** Starts both, once per process, and sets the system properties that tell the application where they are. */
    public static void startForDev() {
        // A live reload loads this class again; only system properties survive it.
        if (System.getProperty(STARTED) == null) {
            System.getProperties().putAll(start().settings());
            System.setProperty(STARTED, "true");
            // Dev mode runs in a child process, which would survive when Maven is killed.
            ProcessHandle.current().parent().ifPresent(maven -> maven.onExit().thenRun(() -> System.exit(0)));
        }
    }

    /**
     * Starts both with default settings.
     *
     * @throws UncheckedIOException when one of them cannot be started
     */
    public static EmbeddedServers start() {
        return start(Map.of());
    }

    /**
     * Starts both.
     *
     * @param postgresSettings settings of PostgreSQL; the defaults make it fast, and it loses its data in a crash
     * @throws UncheckedIOException when one of them cannot be started
     */
    public static EmbeddedServers start(Map<String, String> postgresSettings) {
        try {
            EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                    // Neither UTC nor the JVM's zone, so that tests reveal mixed-up time zones.
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

    /** Read from the pid file: the process that the library knows only started the server, and has ended. */
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

    /** The settings that tell the application where both are. */
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

    /** Starts an empty Redis, on the same port every time. */
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

    /** The process of Redis, to pause or kill. */
    public ProcessHandle redisProcess() {
        return redisProcess;
    }

    /** Stops Redis, which loses its data. */
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
     * Ends a child process when this process ends, since a child survives a JVM that is killed. A shell waits for the
     * end of its standard input, which this process keeps open, and then ends the child. When the child ends first, the
     * shell is ended.
     *
     * @param signal the signal that ends the child; a paused child is resumed to receive it
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
            // Windows: the shutdown hooks of both libraries still end the servers when the process exits normally.
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
