package dev.oms.fault;

import static org.awaitility.Awaitility.await;

import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** PgBouncer with the settings that it has on Kubernetes and in docker-compose.yml, and pools of 5 connections. */
final class PgBouncer implements AutoCloseable {
    static final int POOL_SIZE = 5;

    private static final Path CONFIG = Path.of("target/processes/pgbouncer.ini");

    private final int port;
    private final String database;
    private final List<String> command;
    private Child child;

    private PgBouncer(int port, String database, List<String> command) {
        this.port = port;
        this.database = database;
        this.command = command;
    }

    static boolean isInstalled() {
        return Child.find("pgbouncer").isPresent();
    }

    static PgBouncer start(Servers servers, String database) throws IOException {
        int port = OmsProcess.freePort();
        Map<String, String> settings = settings();
        Files.writeString(CONFIG, """
                [databases]
                %s = host=127.0.0.1 port=%s user=postgres
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = %d
                unix_socket_dir =
                auth_type = any
                default_pool_size = %d
                %s
                """.formatted(
                settings.get("DB_NAME"),
                // Its value contains more than the port.
                settings.get("DB_PORT")
                        .replaceFirst("^5432 dbname=oms ", servers.postgresPort() + " dbname=" + database + " "),
                port,
                POOL_SIZE,
                settings.entrySet().stream()
                        .filter(it ->
                                !List.of("DB_PORT", "DB_NAME", "AUTH_TYPE").contains(it.getKey()))
                        .filter(it -> preparesStatements() || !it.getKey().equals("MAX_PREPARED_STATEMENTS"))
                        .map(it -> it.getKey().toLowerCase(Locale.ROOT) + " = " + it.getValue())
                        .collect(Collectors.joining("\n"))));
        List<String> command = new ArrayList<>(List.of("pgbouncer"));
        if (System.getProperty("user.name").equals("root")) {
            // PgBouncer refuses to run as root.
            command.addAll(List.of("-u", "nobody"));
        }
        command.add(CONFIG.toAbsolutePath().toString());
        PgBouncer bouncer = new PgBouncer(port, database, command);
        bouncer.restart();
        return bouncer;
    }

    /** The variables of the image that is used in production, which writes them into pgbouncer.ini as is done here. */
    private static Map<String, String> settings() throws IOException {
        return Files.readAllLines(Path.of("src/main/kubernetes/base/pgbouncer.env")).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .map(line -> line.split("=", 2))
                .collect(Collectors.toMap(it -> it[0], it -> it[1]));
    }

    /**
     * The JDBC URL of the database behind PgBouncer. A prepared statement belongs to a session, and the next
     * transaction may get another one. Since 1.21 PgBouncer prepares it there again; with an older one the driver must
     * not prepare any.
     */
    String url() {
        return url(database);
    }

    /** The JDBC URL of the same database by another name, which has a pool of its own. */
    String placingUrl() {
        return url(database + "_placing");
    }

    private String url(String name) {
        return "jdbc:postgresql://localhost:" + port + "/" + name + (preparesStatements() ? "" : "?prepareThreshold=0");
    }

    /** Such as {@code PgBouncer 1.24.1}. */
    static String version() {
        try (BufferedReader output =
                new ProcessBuilder("pgbouncer", "--version").start().inputReader()) {
            return output.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean preparesStatements() {
        String[] numbers = version().replaceAll("[^0-9.]", "").split("\\.");
        return Integer.parseInt(numbers[0]) > 1 || Integer.parseInt(numbers[1]) >= 21;
    }

    /** Sends SIGKILL, which breaks every connection through PgBouncer. */
    void kill() {
        child.kill();
    }

    void restart() throws IOException {
        child = Child.start(Path.of("target/processes/pgbouncer.log"), Map.of(), command);
        await().alias("PgBouncer listens, see " + child.log())
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(20))
                .ignoreExceptions()
                .until(() -> {
                    new Socket(InetAddress.getLoopbackAddress(), port).close();
                    return true;
                });
    }

    /** A new connection through PgBouncer. */
    Connection connect() throws SQLException {
        return DriverManager.getConnection(url(), "postgres", "postgres");
    }

    @Override
    public void close() {
        kill();
    }
}
