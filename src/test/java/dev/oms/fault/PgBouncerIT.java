package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.oms.process.OmsProcess;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** All processes connect through PgBouncer in transaction mode, where each transaction may get another session. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class PgBouncerIT {
    @Test
    void survivesARestartOfPgBouncer(Cluster direct, Random random) throws Exception {
        assumeTrue(PgBouncer.isInstalled(), "There is no pgbouncer on the PATH.");
        int times = 2;
        direct.startAll(); // Migrates the database, which must not go through PgBouncer.
        direct.close(); // Its workers would take the other cluster's jobs.

        try (PgBouncer bouncer = PgBouncer.start(direct.servers());
                Cluster behind = new Cluster(
                        direct.servers(), "bouncer-", Map.of("OMS_DB_URL", bouncer.url(), "OMS_MIGRATE", "false"))) {
            behind.underLoad(
                    times + " × " + PgBouncer.version() + " restarted, transaction mode, pool of 5",
                    random,
                    clients -> {
                        for (int i = 0; i < times; i++) {
                            clients.awaitAccepted(300 + random.nextInt(300));
                            bouncer.kill();
                            Thread.sleep(random.nextInt(1_000));
                            bouncer.restart();
                            clients.awaitAccepted(300);
                        }
                    });
        }
    }

    @Test
    void refusesToMigrateThroughPgBouncer(Cluster direct) throws Exception {
        assumeTrue(PgBouncer.isInstalled(), "There is no pgbouncer on the PATH.");

        try (PgBouncer bouncer = PgBouncer.start(direct.servers())) {
            Map<String, String> settings = new HashMap<>(direct.servers().settings());
            settings.put("OMS_DB_URL", bouncer.url());
            OmsProcess migrate = new OmsProcess("bouncer-migrate", "prod", settings);

            assertThat(migrate.run()).isNotZero();
            assertThat(Files.readAllLines(migrate.log()).getLast())
                    .startsWith("OMS did not start: migrations must not go through PgBouncer");
        }
    }
}
