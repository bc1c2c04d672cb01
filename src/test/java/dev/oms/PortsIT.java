package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The ports that the packaged roles open. */
@Tag("full")
class PortsIT {
    private static final Path PROC = Path.of("/proc");

    /** State of a socket, as in {@code include/net/tcp_states.h}. */
    private static final String LISTEN = "0A";

    /** Looked at after the first transactions, because a transaction manager may open a port for them. */
    @Test
    void aWebHasTwoAndAWorkerOne() throws IOException, InterruptedException {
        assumeThat(PROC.resolve("net/tcp"))
                .as("The sockets of a process are only listed on Linux")
                .exists();
        EmbeddedServers servers = EmbeddedServers.start();
        try (OmsProcess web = new OmsProcess("ports-web", "prod", servers.settings());
                OmsProcess worker = new OmsProcess("ports-worker", "worker", servers.settings())) {
            web.start();
            worker.start();
            web.awaitReady();
            worker.awaitReady();
            // A transaction in each.
            web.audit();

            assertThat(listening(web))
                    .containsExactlyInAnyOrder(
                            web.uri("").getPort(), web.managementUri("").getPort());
            assertThat(listening(worker))
                    .containsExactly(worker.managementUri("").getPort());
        } finally {
            servers.stop();
        }
    }

    private static Set<Integer> listening(OmsProcess process) throws IOException {
        Path directory = PROC.resolve(Long.toString(process.handle().pid()));
        Set<String> sockets = new HashSet<>();
        try (Stream<Path> descriptors = Files.list(directory.resolve("fd"))) {
            for (Path descriptor : descriptors.toList()) {
                try {
                    sockets.add(Files.readSymbolicLink(descriptor).toString());
                } catch (NoSuchFileException closed) {
                    continue;
                }
            }
        }
        Set<Integer> ports = new HashSet<>();
        for (String file : Set.of("net/tcp", "net/tcp6")) {
            for (String line : Files.readAllLines(directory.resolve(file))) {
                String[] fields = line.strip().split("\\s+");
                if (fields[3].equals(LISTEN) && sockets.contains("socket:[" + fields[9] + "]")) {
                    ports.add(Integer.parseInt(fields[1].substring(fields[1].lastIndexOf(':') + 1), 16));
                }
            }
        }
        return ports;
    }
}
