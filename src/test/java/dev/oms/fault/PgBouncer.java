package dev.oms.fault;

import static org.awaitility.Awaitility.await;

import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** PgBouncer in transaction mode, with a pool of 5 connections. */
final class PgBouncer implements AutoCloseable {
    private static final Path CONFIG = Path.of("target/processes/pgbouncer.ini");

    private final int port;
    private final List<String> command;
    private Child child;

    private PgBouncer(int port, List<String> command) {
        this.port = port;
        this.command = command;
    }

    static boolean isInstalled() {
        return Child.find("pgbouncer").isPresent();
    }

    static PgBouncer start(Servers servers) throws IOException {
        int port = OmsProcess.freePort();
        Files.writeString(CONFIG, """
                [databases]
                postgres = host=127.0.0.1 port=%d dbname=postgres user=postgres
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = %d
                unix_socket_dir =
                auth_type = any
                pool_mode = transaction
                default_pool_size = 5
                max_client_conn = 200
                %s
                """.formatted(
                        servers.postgresPort(), port, preparesStatements() ? "max_prepared_statements = 200" : ""));
        List<String> command = new ArrayList<>(List.of("pgbouncer"));
        if (System.getProperty("user.name").equals("root")) {
            // PgBouncer refuses to run as root.
            command.addAll(List.of("-u", "nobody"));
        }
        command.add(CONFIG.toAbsolutePath().toString());
        PgBouncer bouncer = new PgBouncer(port, command);
        bouncer.restart();
        return bouncer;
    }

    /**
     * The JDBC URL of the database behind PgBouncer. A prepared statement belongs to a session, and the next
     * transaction may get another one. Since 1.21 PgBouncer prepares it there again; with an older one the driver must
     * not prepare any.
     */
    String url() throws IOException {
        return "jdbc:postgresql://localhost:" + port + "/postgres"
                + (preparesStatements() ? "" : "?prepareThreshold=0");
    }

    /** Such as {@code PgBouncer 1.24.1}. */
    static String version() throws IOException {
        try (BufferedReader output =
                new ProcessBuilder("pgbouncer", "--version").start().inputReader()) {
            return output.readLine();
        }
    }

    private static boolean preparesStatements() throws IOException {
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

    @Override
    public void close() {
        kill();
    }
}
