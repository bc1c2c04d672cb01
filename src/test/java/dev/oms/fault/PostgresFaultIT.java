package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Crashes and terminated sessions of PostgreSQL, the only server that must keep anything: what it has committed. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class PostgresFaultIT {
    private static final int TIMES = 3;

    @Test
    void survivesACrashOfPostgres(Cluster cluster, Random random) throws Exception {
        assertThat(cluster.servers().isDurable()).isTrue();

        cluster.underLoad(TIMES + " × PostgreSQL: immediate shutdown and restart", random, clients -> {
            for (int i = 0; i < TIMES; i++) {
                clients.awaitAccepted(100 + random.nextInt(200));
                cluster.servers().crashPostgres();
                Thread.sleep(random.nextInt(2_000));
                cluster.servers().restartPostgres();
                assertThat(cluster.servers().isDurable()).isTrue();
            }
        });
    }

    @Test
    void survivesTheTerminationOfAllSessions(Cluster cluster, Random random) throws Exception {
        // More often than the other faults: what matters is how far a commit has got when its session ends.
        int times = 10 * TIMES;

        cluster.underLoad(times + " × PostgreSQL: every session terminated", random, clients -> {
            for (int i = 0; i < times; i++) {
                clients.awaitAccepted(10 + random.nextInt(50));
                assertThat(cluster.servers().terminateSessions()).isPositive();
            }
        });
    }

    @Test
    void showsNoAuditWhilePostgresIsDown(Cluster cluster) throws Exception {
        cluster.startAll();
        assertThat(cluster.web().audit()).contains("\"status\":\"Complete\"");

        cluster.servers().crashPostgres();
        try {
            assertThat(cluster.web().status("/inventory_items/audit")).isEqualTo(503);
        } finally {
            cluster.servers().restartPostgres();
        }
    }
}
