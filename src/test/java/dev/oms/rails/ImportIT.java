package dev.oms.rails;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.process.OmsProcess;
import dev.oms.start.MigratedDatabases;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** {@code --import} of the packaged application, into an empty database. */
@Tag("full")
class ImportIT {
    @TempDir
    private Path directory;

    private final Map<String, String> settings = new HashMap<>();
    private Ledger oms;
    private Path report;

    @BeforeEach
    void createDatabase() {
        PGSimpleDataSource database = MigratedDatabases.createEmpty();
        oms = new Ledger(database);
        settings.putAll(OmsServers.servers().settings());
        settings.put("OMS_DB_URL", database.getURL());
        // The worker of other tests may be running.
        settings.put("OMS_REDIS_PREFIX", database.getDatabaseName());
        settings.put("OMS_IMPORT_USER", "postgres");
        settings.put("OMS_IMPORT_PASSWORD", "postgres");
        report = directory.resolve("report.csv");
    }

    /** @param lines what the process wrote, but for what the driver or Java may warn of */
    private record Exit(int code, List<String> lines) {
        String last() {
            return lines.getLast();
        }
    }

    private OmsProcess process(String role) throws IOException {
        return new OmsProcess("import-" + role + System.nanoTime(), role, settings);
    }

    private Exit run(String... arguments) throws IOException, InterruptedException {
        OmsProcess process = process("prod");
        int code = process.run(arguments);
        return new Exit(code, Files.readAllLines(process.log()));
    }

    private Exit importFrom(RailsShop rails) throws IOException, InterruptedException {
        return run("--import", rails.url(), "--rejects", report.toString());
    }

    @Test
    void takesOverAShopAndSettlesWhatIsDue() throws IOException, InterruptedException {
        RailsShop rails = RailsShop.create();
        rails.fill(10_000, 50_000, 100_000);

        // Killed in the middle, and again.
        for (int orders : List.of(20_000, 60_000)) {
            try (OmsProcess process = process("prod")) {
                process.startTask("--import", rails.url(), "--rejects", report.toString());
                await().atMost(Duration.ofMinutes(2))
                        .pollInterval(Duration.ofMillis(20))
                        .ignoreExceptions()
                        .until(() -> oms.count("orders") > orders);
            }
            // Without statistics, the queries that check so many orders take minutes.
            oms.execute("analyze");
            oms.assertConsistent();
            assertThat(oms.count("orders")).isLessThan(99_000);
        }
        Exit whole = importFrom(rails);
        Exit again = importFrom(rails);

        assertThat(whole.code()).isEqualTo(1);
        assertThat(whole.last())
                .matches("Wrote 0 users, 0 items and \\d+ orders in \\d+ s; 260 rows were rejected: see .*");
        assertThat(whole.lines().toString()).contains("Users: 10000 read", "Items: 50000 read", "Orders: 100000 read");
        assertThat(again.code()).isEqualTo(1);
        assertThat(again.last()).startsWith("Wrote 0 users, 0 items and 0 orders in ");
        assertThat(Files.readAllLines(report)).hasSize(1 + 260);
        assertThat(oms.count("orders")).isEqualTo(100_000 - 200);
        assertThat(run("--audit").last()).isEqualTo("0 discrepancies");
        try (OmsProcess worker = process("worker")) {
            worker.start();
            worker.awaitReady();
            oms.awaitSettled();
        }
        oms.execute("analyze");
        oms.assertConsistent();
        assertThat(oms.count("orders where status in ('Pending', 'Received')")).isZero();
        assertThat(run("--audit").last()).isEqualTo("0 discrepancies");
        Exit tooLate = importFrom(rails);
        assertThat(tooLate.code()).isEqualTo(2);
        assertThat(tooLate.last()).startsWith("OMS did not import: OMS has been used since the last import");
    }

    @Test
    void startsAgainAfterRowsWhoseIdsAreTooHigh() throws IOException, InterruptedException {
        RailsShop rails = RailsShop.create();
        rails.user(1);
        rails.item(1, "burger", 9);
        rails.order(1L << 52, 1L, "Confirmed", "{\"burger\": 1}");
        rails.order(Long.MAX_VALUE, 1L, "Confirmed", "{\"burger\": 1}");

        assertThat(importFrom(rails).last()).contains("1 items and 0 orders", "2 rows were rejected");
        assertThat(run("--audit").last()).isEqualTo("0 discrepancies");
        assertThat(importFrom(rails).last()).contains("0 items and 0 orders", "2 rows were rejected");
        assertThat(oms.texts("select nextval('orders_id_seq')")).containsExactly("1");
    }

    @Test
    void succeedsWhenAllIsCarriedOver() throws IOException, InterruptedException {
        RailsShop rails = RailsShop.create();
        rails.user(1);
        rails.item(1, "burger", 9);
        rails.order(1, 1L, "Confirmed", "{\"burger\": 1}");

        Exit exit = importFrom(rails);

        assertThat(exit.code()).isZero();
        assertThat(exit.last()).matches("Wrote 1 users, 1 items and 1 orders in \\d+ s; 0 rows were rejected: see .*");
        assertThat(Files.readAllLines(report)).containsExactly("table,id,reason");
        oms.assertConsistent();
    }

    @Test
    void refusesInOneSentenceWithoutPasswords() throws IOException, InterruptedException {
        settings.put("OMS_IMPORT_PASSWORD", "s3cret");
        List<String> urls = List.of(
                "postgres://me:s3cret@localhost/rails",
                "jdbc:postgresql://me:s3cret@localhost/rails",
                "jdbc:postgresql://localhost:1/rails?password=s3cret",
                settings.get("OMS_DB_URL"));

        List<Exit> exits = new ArrayList<>();
        for (String url : urls) {
            exits.add(run("--import", url, "--rejects", report.toString()));
        }
        Exit noUrl = run("--import");

        String notAUrl =
                "OMS did not import: the source is not a JDBC URL of PostgreSQL, such as jdbc:postgresql://localhost:5432/oms.";
        assertThat(exits.stream().map(Exit::last))
                .satisfiesExactly(
                        line -> assertThat(line).isEqualTo(notAUrl),
                        line -> assertThat(line).isEqualTo(notAUrl),
                        line -> assertThat(line)
                                .startsWith(
                                        "OMS did not import: the source cannot be reached: Connection to localhost:1 refused."),
                        line -> assertThat(line)
                                .isEqualTo(
                                        "OMS did not import: the source is the database of OMS itself; name that of the Rails service."));
        assertThat(exits).allSatisfy(exit -> {
            assertThat(exit.code()).isEqualTo(2);
            assertThat(exit.lines().toString()).doesNotContain("s3cret");
        });
        assertThat(noUrl.code()).isEqualTo(2);
        assertThat(noUrl.last()).isEqualTo("OMS did not import: use --import <jdbc url> [--rejects <file>].");
    }
}
