package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.oms.process.OmsProcess;
import io.restassured.path.json.JsonPath;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** PgBouncer in transaction mode, where each transaction may get another session. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class PgBouncerIT {
    @BeforeEach
    void find() {
        assumeTrue(PgBouncer.isInstalled(), "There is no pgbouncer on the PATH.");
    }

    @Test
    void survivesARestartOfPgBouncer(Cluster direct, Random random) throws Exception {
        int times = 2;
        direct.startAll(); // Migrates the database, which must not go through PgBouncer.
        direct.close(); // Its workers would take the other cluster's jobs.

        try (PgBouncer bouncer = PgBouncer.start(direct.servers(), "postgres");
                Cluster behind = new Cluster(
                        direct.servers(), "bouncer-", Map.of("OMS_DB_URL", bouncer.url(), "OMS_MIGRATE", "false"))) {
            behind.underLoad(
                    times + " × " + PgBouncer.version() + " restarted, transaction mode, pool of "
                            + PgBouncer.POOL_SIZE,
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
    void readersThatHoldAllServersDoNotStopPlacing(Cluster direct, Random random) throws Exception {
        direct.startAll(); // Migrates the database, which must not go through PgBouncer.
        direct.close(); // Its workers would take the other cluster's jobs.

        try (PgBouncer bouncer = PgBouncer.start(direct.servers(), "postgres");
                Cluster behind = new Cluster(
                        direct.servers(),
                        "bouncer-",
                        Map.of(
                                "OMS_DB_URL", bouncer.url(),
                                "OMS_DB_PLACING_URL", bouncer.placingUrl(),
                                "OMS_MIGRATE", "false"))) {
            behind.underLoad("all servers of PgBouncer's pool held by readers", random, clients -> {
                clients.rush();
                List<Connection> readers = new ArrayList<>();
                for (int i = 0; i < PgBouncer.POOL_SIZE; i++) {
                    Connection reader = bouncer.connect();
                    readers.add(reader);
                    reader.setAutoCommit(false); // Keeps the server to itself.
                    text(reader, "select 1");
                }
                CompletableFuture<String> late = CompletableFuture.supplyAsync(() -> {
                    try (Connection reader = bouncer.connect()) {
                        return text(reader, "select 1");
                    } catch (SQLException e) {
                        return e.getMessage();
                    }
                });

                int before = clients.accepted().size();
                // It waits for QUERY_WAIT_TIMEOUT (10 s) in vain.
                assertThat(late.join()).contains("query_wait_timeout");
                // More than those that may have been under way.
                assertThat(clients.accepted().size() - before).isGreaterThan(20);

                for (Connection reader : readers) {
                    reader.close();
                }
                clients.calmDown();
            });
        }
    }

    /** Each step of looking for the end of the feed may get another session. */
    @Test
    void theFeedOfEventsSkipsNone(Cluster direct, Random random) throws Exception {
        direct.startAll(); // Migrates the database, which must not go through PgBouncer.
        direct.close(); // Its workers would take the other cluster's jobs.

        try (PgBouncer bouncer = PgBouncer.start(direct.servers(), "postgres");
                Cluster behind = new Cluster(
                        direct.servers(), "bouncer-", Map.of("OMS_DB_URL", bouncer.url(), "OMS_MIGRATE", "false"));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                HttpClient client = HttpClient.newHttpClient()) {
            behind.startAll();
            // Other tests have filled the feed.
            String after = "&after=" + page(client, behind, "&after=end").getString("next");
            Set<Long> committed = ConcurrentHashMap.newKeySet();
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                long seed = random.nextLong();
                long first = 1_000_000_000L + i * 1_000;
                // Directly: with open transactions they would hold all servers of PgBouncer's pool.
                writers.add(threads.submit(() -> writeEvents(direct.servers(), new Random(seed), first, committed)));
            }

            List<Long> read = new ArrayList<>();
            boolean isOver = false;
            for (int empty = 0; !isOver || empty < 2; ) {
                isOver = writers.stream().allMatch(Future::isDone);
                JsonPath page = page(client, behind, "&wait=1" + after);
                List<Long> subjects = page.<Number>getList("events.subject_id").stream()
                        .map(Number::longValue)
                        .filter(subject -> subject >= 1_000_000_000L)
                        .toList();
                empty = subjects.isEmpty() ? empty + 1 : 0;
                read.addAll(subjects);
                after = "&after=" + page.getString("next");
            }
            for (Future<?> writer : writers) {
                writer.get();
            }

            assertThat(committed).hasSizeGreaterThan(200);
            assertThat(read).containsExactlyInAnyOrderElementsOf(committed);
        }
    }

    private static JsonPath page(HttpClient client, Cluster cluster, String query) throws Exception {
        URI uri = cluster.web().uri("/events?limit=7" + query);
        return JsonPath.from(client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString())
                .body());
    }

    private static Void writeEvents(Servers servers, Random random, long first, Set<Long> committed) throws Exception {
        try (Connection connection = servers.ledger().connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (long subject = first; subject < first + 50; subject++) {
                statement.execute("insert into events (subject, subject_id, version, type) values ('order', " + subject
                        + ", 0, 'order.placed')");
                Thread.sleep(random.nextInt(subject % 25 == 0 ? 2_000 : 50));
                if (random.nextInt(5) == 0) {
                    connection.rollback();
                } else {
                    connection.commit();
                    committed.add(subject);
                }
            }
        }
        return null;
    }

    @Test
    void refusesToMigrateThroughPgBouncer(Cluster direct) throws Exception {
        try (PgBouncer bouncer = PgBouncer.start(direct.servers(), "postgres")) {
            Map<String, String> settings = new HashMap<>(direct.servers().settings());
            settings.put("OMS_DB_URL", bouncer.url());
            OmsProcess migrate = new OmsProcess("bouncer-migrate", "prod", settings);

            assertThat(migrate.run()).isNotZero();
            assertThat(Files.readAllLines(migrate.log()).getLast())
                    .startsWith("OMS did not start: migrations must not go through PgBouncer");
        }
    }

    /** By default PgBouncer waits 15 s after a failed attempt to connect to PostgreSQL before it tries again. */
    @Test
    void servesClientsSoonAfterPostgresIsBack(Cluster cluster) throws Exception {
        Servers servers = cluster.servers();
        cluster.close();

        try (PgBouncer bouncer = PgBouncer.start(servers, "postgres");
                Connection early = bouncer.connect()) {
            servers.crashPostgres();
            CompletableFuture<Void> tried = CompletableFuture.runAsync(() -> {
                try {
                    text(early, "select 1");
                } catch (SQLException e) {
                    // Only makes PgBouncer try to connect.
                }
            });
            servers.restartPostgres();

            await().atMost(Duration.ofSeconds(10)).ignoreExceptions().until(() -> {
                try (Connection late = bouncer.connect()) {
                    return text(late, "select 1").equals("1");
                }
            });
            tried.join();
        }
    }

    /** PgBouncer's default is to keep every client waiting for 120 s. */
    @Test
    void refusesClientsWhenPostgresFallsSilent(Cluster cluster) throws Exception {
        Servers servers = cluster.servers();
        cluster.close();

        try (PgBouncer bouncer = PgBouncer.start(servers, "postgres");
                Connection client = bouncer.connect()) {
            assertThat(text(client, "select 1")).isEqualTo("1");
            assertThat(servers.terminateSessions()).isPositive();
            servers.pausePostmaster();
            try {
                assertThat(CompletableFuture.runAsync(() -> assertThatThrownBy(() -> text(client, "select 1"))
                                .hasMessageContaining("query_wait_timeout")))
                        .succeedsWithin(Duration.ofSeconds(60));
            } finally {
                servers.resumePostmaster();
            }
        }
    }

    /**
     * On Kubernetes web and workers may start before the migration. PgBouncer keeps the sessions that it opens for
     * them.
     */
    @Test
    void limitsSessionsThatAreOlderThanTheMigration(Cluster cluster) throws Exception {
        String database = "never_migrated";
        Servers servers = cluster.servers();
        servers.ledger().execute("create database " + database);
        servers.ledger()
                .execute("alter database " + database + " set default_transaction_isolation = 'repeatable read'");
        Map<String, String> direct = new HashMap<>(servers.settings());
        direct.computeIfPresent("OMS_DB_URL", (key, url) -> url.replace("/postgres", "/" + database));

        try (PgBouncer bouncer = PgBouncer.start(servers, database)) {
            Map<String, String> behind = new HashMap<>(direct);
            behind.put("OMS_DB_URL", bouncer.url());
            behind.put("OMS_MIGRATE", "false");
            assertThat(new OmsProcess("bouncer-early", "prod", behind).run()).isEqualTo(1);
            assertThat(new OmsProcess("bouncer-migrate", "prod", direct).run("--migrate"))
                    .isZero();
            String migrated = servers.ledger().texts("select now()").getFirst();

            List<String> ages = new ArrayList<>();
            List<Connection> clients = new ArrayList<>();
            for (int i = 0; i < PgBouncer.POOL_SIZE; i++) {
                Connection client = bouncer.connect();
                clients.add(client);
                client.setAutoCommit(false); // Keeps the session to itself from now on.
                assertThat(text(client, """
                        select string_agg(name || '=' || setting, ' ' order by name) from pg_settings
                        where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
                            'transaction_isolation')"""))
                        .isEqualTo("idle_in_transaction_session_timeout=60000 lock_timeout=5000 statement_timeout=30000"
                                + " transaction_isolation=read committed");
                ages.add(text(
                        client,
                        "select backend_start < '" + migrated
                                + "' from pg_stat_activity where pid = pg_backend_pid()"));
            }
            assertThat(ages).contains("t", "f");
            for (Connection client : clients) {
                client.close();
            }
        }
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
