package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.process.TcpProxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A PostgreSQL that stops answering without closing its connections. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class SilenceFaultIT {
    @Test
    void twoSilentBackendsCostTheirOwnOrdersOnly(Cluster cluster, Random random) throws Exception {
        cluster.underLoad("SIGSTOP of 2 backends of web, until their orders are in doubt", random, clients -> {
            List<ProcessHandle> stopped = cluster.servers().pauseBackends("web", 2);
            try {
                long before = clients.inDoubtAnswers();
                clients.awaitAccepted(200);
                await().alias("orders on silent connections are answered")
                        .atMost(Duration.ofSeconds(90))
                        .until(() -> clients.inDoubtAnswers() > before);
                clients.awaitAccepted(50);
            } finally {
                Servers.resume(stopped);
            }
        });
    }

    @Test
    void survivesASilentServer(Cluster cluster, Random random) throws Exception {
        cluster.underLoad("SIGSTOP of PostgreSQL, until orders are in doubt", random, clients -> {
            long before = clients.refusals();
            long inDoubt = clients.inDoubtAnswers();
            List<ProcessHandle> stopped = cluster.servers().pausePostgres();
            try {
                // Some find no connection at once. Those on a silent connection are answered at the last of the
                // deadlines.
                await().alias("clients are answered")
                        .atMost(Duration.ofSeconds(180))
                        .until(() -> clients.refusals() >= before + 6 && clients.inDoubtAnswers() > inDoubt);
            } finally {
                Servers.resume(stopped);
            }
            long resumed = System.nanoTime();
            clients.awaitAccepted(50);
            System.out.printf(
                    "fault: 50 orders within %d s of SIGCONT%n",
                    Duration.ofNanos(System.nanoTime() - resumed).toSeconds());
        });
    }

    @Test
    void survivesASilentNetwork(Cluster direct, Random random) throws Exception {
        direct.startAll(); // Migrates the database.
        direct.close(); // Its workers would take the other cluster's jobs.
        try (TcpProxy proxy = new TcpProxy(direct.servers().postgresPort());
                Cluster behind = new Cluster(
                        direct.servers(),
                        "silent-",
                        Map.of(
                                "OMS_DB_URL",
                                direct.servers()
                                        .settings()
                                        .get("OMS_DB_URL")
                                        .replace(
                                                ":" + direct.servers().postgresPort() + "/",
                                                ":" + proxy.port() + "/")))) {
            behind.underLoad("connections to PostgreSQL silent, and never heard of again", random, clients -> {
                long before = clients.refusals();
                proxy.silenceAll();
                await().alias("clients are answered")
                        .atMost(Duration.ofSeconds(90))
                        .until(() -> clients.refusals() >= before + 6);
                proxy.restore();
                long restored = System.nanoTime();
                clients.awaitAccepted(50);
                System.out.printf(
                        "fault: 50 orders within %d s of the network's return%n",
                        Duration.ofNanos(System.nanoTime() - restored).toSeconds());
            });
        }
        assertThat(direct.servers().isDurable()).isTrue();
    }
}
