package dev.oms.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.embedded.EmbeddedServers;
import dev.oms.http.Texts;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.jboss.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Migrations on a database that others are using. */
@Tag("full")
class MigrateOnlineTest {
    private static final Logger LOG = Logger.getLogger(MigrateOnlineTest.class);

    /** The last release whose migrations need the database for themselves. */
    private static final String LAST_OFFLINE = "11";

    private static final int ORDERS = Integer.getInteger("oms.migration.orders", 3_000_000);
    private static final int WRITERS = 4;

    /**
     * PostgreSQL fails a writer that waits longer for a lock. Above the time that a migration waits for one (1 s),
     * below the time that the load keeps a transaction open.
     */
    private static final String WRITERS_LOCK_TIMEOUT = "2s";

    private static final Duration KEPT_OPEN = Duration.ofSeconds(6);

    /** As the release before V12 writes them: the line has no name. */
    private static final String PLACE = """
            with o as (
                insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
                values (?, 'Pending', 'DEDUCTION', now(), now(), now()) returning id)
            insert into order_lines (order_id, inventory_item_id, quantity) select id, ?, 1 from o""";

    private static final String SETTLE = """
            with o as (
                update orders set status = 'Confirmed', due = null, version = version + 1, updated_at = now()
                where id = (select max(id) from orders where due is not null) returning id)
            insert into stock_movements (order_id, inventory_item_id, kind, delta, quantity_after, created_at)
            select o.id, l.inventory_item_id, 'DEDUCTION', -1, 0, now() from o join order_lines l on l.order_id = o.id
            on conflict do nothing""";

    private static final String DELIVER = """
            with o as (
                update orders set status = 'Delivered', version = version + 1, updated_at = now() where id = ?
                returning id, version)
            insert into order_events (order_id, version, event, actor, created_at)
            select id, version, 'Delivered', 'somebody', now() from o""";

    private static EmbeddedServers servers;

    /** Migrations besides those of OMS. */
    @TempDir
    private Path others;

    private PGSimpleDataSource dataSource;
    private Ledger ledger;

    @BeforeAll
    static void startServers() {
        servers = EmbeddedServers.start(Map.of("max_wal_size", "4GB", "maintenance_work_mem", "256MB"));
    }

    @AfterAll
    static void stopServers() {
        servers.stop();
    }

    /** Each test has a database of its own. */
    @BeforeEach
    void createDatabase() {
        String name = "migrated_" + System.nanoTime();
        new Ledger(OmsServers.dataSource(servers.settings())).execute("create database " + name);
        dataSource = OmsServers.dataSource(servers.settings());
        dataSource.setDatabaseName(name);
        ledger = new Ledger(dataSource);
    }

    private void migrate(String version) {
        migrateAs(dataSource.getUser(), version);
    }

    private void migrateAs(String user, String version) {
        PGSimpleDataSource own = OmsServers.dataSource(servers.settings());
        own.setUser(user);
        own.setDatabaseName(dataSource.getDatabaseName());
        FluentConfiguration flyway = Flyway.configure();
        MigrateOnline.configure(flyway, own);
        flyway.locations("classpath:db/migration", "filesystem:" + others)
                .target(version)
                .load()
                .migrate();
    }

    @Test
    void migratesWithSettingsOfItsOwn() throws SQLException {
        migrate("latest");
        ledger.execute("alter database " + dataSource.getDatabaseName()
                + " set default_transaction_isolation = 'serializable'");
        PGSimpleDataSource own = OmsServers.dataSource(servers.settings());
        own.setDatabaseName(dataSource.getDatabaseName());

        MigrateOnline.configure(Flyway.configure(), own);

        Ledger migrating = new Ledger(own);
        assertThat(migrating.texts("show lock_timeout")).containsExactly("1s");
        assertThat(migrating.texts("show statement_timeout")).containsExactly("0");
        assertThat(migrating.texts("show transaction_isolation")).containsExactly("read committed");
        assertThat(migrating.texts("show idle_in_transaction_session_timeout")).containsExactly("0");
        assertThat(ledger.texts("show lock_timeout")).containsExactly("5s");
        assertThat(ledger.texts("show statement_timeout")).containsExactly("30s");
    }

    /** A migration drops what a failed run has left behind, which another installation may have under the same name. */
    @Test
    void createsNothingTemporaryThatIsNotNeeded() {
        String name = dataSource.getDatabaseName();
        ledger.execute("create role " + name + " login");
        ledger.execute("grant create on schema public to " + name);
        // V18 has a temporary table.
        migrateAs(name, "18");
        ledger.execute("revoke temporary on database %s from public".formatted(name));

        migrateAs(name, "latest");

        assertThat(ledger.texts("select tableowner from pg_tables where tablename = 'imports'"))
                .containsExactly(name);
    }

    @Test
    void leavesAnotherSchemaOfTheSearchPathAlone() throws SQLException {
        migrate("latest");
        List<String> before = objects("public");
        List<String> files = ledger.texts("select relfilenode from pg_class order by 1");
        ledger.execute("create schema shop");
        ledger.execute("alter database " + dataSource.getDatabaseName() + " set search_path = missing, shop, public");

        migrate("latest");

        assertThat(objects("public")).isEqualTo(before);
        assertThat(ledger.texts("select relfilenode from pg_class order by 1")).containsAll(files);
        assertThat(objects("shop")).isEqualTo(before);
    }

    private List<String> objects(String schema) {
        return ledger.texts("""
                select relname || ' ' || relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = '%s' order by relname""".formatted(schema));
    }

    @Test
    void buildsAnIndexAgainThatFailedHalfway() throws Exception {
        migrate(LAST_OFFLINE);
        try (Connection blocking = dataSource.getConnection();
                Statement statement = blocking.createStatement();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            blocking.setAutoCommit(false);
            // A build waits for the transactions that have written to the table.
            statement.execute("lock table orders in row exclusive mode");
            Future<?> migration = threads.submit(() -> migrate("latest"));
            String building = "pg_stat_activity where query like 'create index concurrently orders_status_id_idx%'"
                    + " and wait_event_type = 'Lock' and datname = current_database()";
            await().atMost(Duration.ofSeconds(60)).until(() -> ledger.count(building) == 1);
            ledger.texts("select pg_cancel_backend(pid) from " + building);
            assertThatThrownBy(migration::get).isInstanceOf(ExecutionException.class);
        }
        assertThat(invalidIndexes()).containsExactly("orders_status_id_idx");

        migrate("latest");

        assertThat(invalidIndexes()).isEmpty();
        assertThat(ledger.count("pg_indexes where indexname = 'orders_status_id_idx'"))
                .isOne();
        assertThat(ledger.count("flyway_schema_history where not success")).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "13 | 14 | order_lines | information_schema.columns where column_name = 'item_name' | 1",
                "14 | 15 | orders | pg_constraint where conname = 'idempotency_keys_order_id_fkey' | 0",
                "15 | 16 | stock_movements | information_schema.columns where column_name = 'reference' | 1",
                "16 | 17 | orders | information_schema.columns where column_name = 'short_items' | 1",
                "19 | 20 | stock_movements | information_schema.columns where column_name = 'idempotency_key' | 1",
                "24 | 25 | users | information_schema.columns where column_name = 'email_shared' | 1",
                "28 | 29 | order_events | pg_class where relname = 'order_events' and relkind = 'v' | 1",
                "30 | 31 | order_events_before | pg_class where relname = 'order_events_before' | 0"
            },
            quoteCharacter = '"')
    void asksAgainForALockThatIsHeldTooLong(String from, String to, String table, String changed, long count)
            throws Exception {
        migrate(from);
        try (Connection reading = dataSource.getConnection();
                Statement statement = reading.createStatement();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            reading.setAutoCommit(false);
            statement.execute("select from " + table);
            Future<?> migration = threads.submit(() -> migrate(to));
            String waiting = "pg_locks where relation = '%s'::regclass and not granted".formatted(table);
            // Twice: what is waited for in between is not this lock.
            for (int i = 0; i < 2; i++) {
                await().atMost(Duration.ofSeconds(60)).until(() -> ledger.count(waiting) == 1);
                await().atMost(Duration.ofSeconds(60)).until(() -> ledger.count(waiting) == 0);
            }
            reading.rollback();

            migration.get(60, TimeUnit.SECONDS);
        }
        assertThat(ledger.count(changed)).isEqualTo(count);
    }

    /** PostgreSQL and Texts must agree, or an item could not be found by its name. */
    @Test
    void normalizesNamesAsTexts() {
        migrate("17");
        ledger.execute("""
                insert into inventory_items (name, quantity, threshold, created_at, updated_at)
                select ' ' || n || 'e' || chr(n) || U&'\\0301 ', 0, 0, now(), now() from generate_series(1, x'1ffff'::int) n
                where n not between x'd800'::int and x'dfff'::int
                union all
                select ' ' || n || 'e' || chr(n) || U&'\\0301 ', 0, 0, now(), now()
                from generate_series(x'e0000'::int, x'e0fff'::int) n""");
        List<String> before = ledger.texts("select name from inventory_items order by id");

        migrate("18");

        assertThat(ledger.texts("select name from inventory_items order by id"))
                .isEqualTo(before.stream().map(Texts::normalizeName).toList());
    }

    @Test
    void leavesNamesAloneThatAreNormalOrArchivedOrOfNothing() {
        migrate("17");
        ledger.execute("""
                insert into inventory_items (name, quantity, threshold, archived_at, created_at, updated_at) values
                ('plain', 0, 0, null, now(), now()), (' plain', 0, 0, now(), now(), now()),
                (U&'\\200B', 0, 0, null, now(), now()), (U&'\\3000', 0, 0, null, now(), now())""");

        migrate("18");

        assertThat(ledger.texts("select name || version from inventory_items order by id"))
                .containsExactly("plain0", " plain0", "\u200b0", "\u30000");
    }

    @Test
    void stopsBeforeItChangesANameThatWouldBeTaken() {
        migrate("17");
        ledger.execute("""
                insert into inventory_items (name, quantity, threshold, created_at, updated_at) values
                (' other', 0, 0, now(), now()),
                (U&'Caf\\00E9', 0, 0, now(), now()), (U&'Cafe\\0301', 0, 0, now(), now())""");
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        assertThatThrownBy(() -> migrate("18"))
                .satisfies(e -> StartFailure.report(e, new PrintStream(out, true, StandardCharsets.UTF_8)));

        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualTo(
                        "OMS did not start: the names of some items differ in nothing that can be seen, and would become "
                                + "the same: \"Caf\u00e9\" (2, 3) (items by id, the first 20 names). Rename or remove all but one of "
                                + "each with the version before, then start this one again."
                                + System.lineSeparator());
        assertThat(ledger.texts("select name from inventory_items order by id"))
                .containsExactly(" other", "Caf\u00e9", "Cafe\u0301");
        ledger.execute("update inventory_items set name = 'Coffee' where id = 3");
        migrate("18");
        assertThat(ledger.texts("select name from inventory_items order by id"))
                .containsExactly("other", "Caf\u00e9", "Coffee");
    }

    /** An upgrade neither fails because of them nor decides which of them is the right one. */
    @Test
    void keepsAndReportsUsersWhoShareAnAddress() {
        migrate("23");
        ledger.execute("""
                insert into users (name, email, phone, created_at, updated_at) values
                ('Ann', 'ann@example.com', '1', now(), now()), ('Bob', 'bob@example.com', '2', now(), now()),
                ('Ann', 'Ann@Example.com', '3', now(), now()), ('Ann', 'ANN@example.com', '4', now(), now()),
                ('Ren\u00e9', 'ren\u00e9@example.com', '5', now(), now()),
                ('Ren\u00e9', 'rene\u0301@example.com', '6', now(), now())""");
        List<String> reported = new CopyOnWriteArrayList<>();
        Handler reporting = new Handler() {
            @Override
            public void publish(LogRecord line) {
                reported.add(line.getLevel() + ": " + line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        java.util.logging.Logger root = java.util.logging.Logger.getLogger("");
        root.addHandler(reporting);

        try {
            migrate("25");
        } finally {
            root.removeHandler(reporting);
        }

        assertThat(reported)
                .anyMatch(line -> line.matches("(?s)WARN.*: .*2 e-mail address.*"
                        + "ann@example.com \\(users 1, 3, 4\\), ren\u00e9@example.com \\(users 5, 6\\)\\..*"));
        assertThat(ledger.texts("select id from users where email_shared order by id"))
                .containsExactly("3", "4", "6");
        assertThat(ledger.count("users")).isEqualTo(6);
        for (String taken : List.of("ann@EXAMPLE.com", "aNN@example.com", "Ren\u00c9@example.com", "BOB@example.com")) {
            assertThatThrownBy(() -> ledger.execute("insert into users (name, email, phone, created_at, updated_at)"
                            + " values ('x', '%s', 'x', now(), now())".formatted(taken)))
                    .hasStackTraceContaining("users_email_in_any_case_key");
        }
    }

    /** A user added between the two statements of the migration fails it, and the next start begins again. */
    @Test
    void buildsTheIndexOfAddressesAgain() {
        migrate("23");
        ledger.execute("""
                insert into users (name, email, phone, created_at, updated_at) values
                ('Ann', 'ann@example.com', '1', now(), now())""");
        ledger.execute("""
                create function add_user() returns event_trigger language plpgsql as $$
                begin
                    if tg_tag = 'DROP INDEX' then
                        insert into users (name, email, phone, created_at, updated_at)
                        values ('Ann', 'Ann@example.com', '2', now(), now());
                    end if;
                end $$""");
        ledger.execute("create event trigger between_two on ddl_command_end execute function add_user()");
        assertThatThrownBy(() -> migrate("25")).hasStackTraceContaining("users_email_in_any_case_key");
        ledger.execute("drop event trigger between_two");

        migrate("25");

        assertThat(ledger.texts("select id from users where email_shared")).containsExactly("2");
        assertThat(invalidIndexes()).isEmpty();
    }

    @Test
    void holdsUpNoWriterOfALargeTable() throws Exception {
        migrate(LAST_OFFLINE);
        long generating = System.nanoTime();
        generate();
        LOG.infof("Generated %d orders in %d s", ORDERS, secondsSince(generating));

        Load load = new Load();
        long migrating = System.nanoTime();
        try {
            load.start();
            migrate("latest");
        } finally {
            load.stop();
        }
        LOG.infof(
                "Migrated in %d s beside %d writes; the longest took %d ms",
                secondsSince(migrating), load.writes.get(), load.longestWrite().toMillis());

        assertThat(load.failures).isEmpty();
        assertThat(load.writes).hasPositiveValue();
        assertThat(invalidIndexes()).isEmpty();
        assertThat(ledger.count("events where type = 'order.confirmed'")).isEqualTo(ORDERS);
    }

    private List<String> invalidIndexes() {
        return ledger.texts("select indexrelid::regclass from pg_index where not indisvalid");
    }

    private static long secondsSince(long nanoTime) {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - nanoTime);
    }

    /** Delivered orders of one line and one movement each, as many per user and item. */
    private void generate() throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("set statement_timeout = 0");
            // Without checking millions of foreign keys.
            statement.execute("set session_replication_role = replica");
            statement.execute("""
                    insert into users (name, email, phone, created_at, updated_at)
                    select 'Somebody', n || '@example.com', n, now(), now() from generate_series(1, 1000) n""");
            statement.execute("""
                    insert into inventory_items (name, quantity, threshold, created_at, updated_at)
                    select 'item ' || n, 0, 0, now(), now() from generate_series(1, 1000) n""");
            statement.execute("""
                    insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                    select 1 + n / (%1$d / 1000), 'Delivered', now(), now(), now() from generate_series(0, %1$d - 1) n
                    """.formatted(ORDERS));
            statement.execute("""
                    insert into order_lines (order_id, inventory_item_id, quantity)
                    select 1 + n, 1 + n / (%1$d / 1000), 1 from generate_series(0, %1$d - 1) n""".formatted(ORDERS));
            statement.execute("""
                    insert into stock_movements (order_id, inventory_item_id, kind, delta, quantity_after, created_at)
                    select 1 + n, 1 + n / (%1$d / 1000), 'DEDUCTION', -1, 0, now() from generate_series(0, %1$d - 1) n
                    """.formatted(ORDERS));
            statement.execute("""
                    insert into order_events (order_id, version, event, actor, created_at)
                    select n, 0, 'Confirmed', 'worker', now() from generate_series(1, %d) n""".formatted(ORDERS));
            statement.execute("analyze");
        }
    }

    /** Writers, and one transaction after the other that stays open for longer than a migration waits for a lock. */
    private final class Load {
        final AtomicLong writes = new AtomicLong();
        final Queue<SQLException> failures = new ConcurrentLinkedQueue<>();

        private final AtomicLong longestNanos = new AtomicLong();
        private final ExecutorService threads = Executors.newFixedThreadPool(WRITERS + 1);
        private final CountDownLatch started = new CountDownLatch(WRITERS + 1);
        private volatile boolean stopped;

        void start() throws InterruptedException {
            for (int i = 0; i < WRITERS; i++) {
                threads.submit(() -> run(this::write));
            }
            threads.submit(() -> run(this::keepOpen));
            started.await();
        }

        void stop() throws InterruptedException {
            stopped = true;
            threads.shutdown();
            assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
        }

        Duration longestWrite() {
            return Duration.ofNanos(longestNanos.get());
        }

        @FunctionalInterface
        private interface Work {
            void on(Connection connection) throws SQLException, InterruptedException;
        }

        private Void run(Work work) throws InterruptedException {
            try (Connection connection = dataSource.getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("set lock_timeout = '" + WRITERS_LOCK_TIMEOUT + "'");
                started.countDown();
                while (!stopped) {
                    work.on(connection);
                }
            } catch (SQLException e) {
                failures.add(e);
            }
            return null;
        }

        private void write(Connection connection) throws SQLException {
            ThreadLocalRandom random = ThreadLocalRandom.current();
            timed(connection, PLACE, random.nextLong(1, 1001), random.nextLong(1, 1001));
            timed(connection, SETTLE);
            timed(connection, DELIVER, random.nextLong(1, ORDERS + 1));
        }

        private void keepOpen(Connection connection) throws SQLException, InterruptedException {
            connection.setAutoCommit(false);
            timed(connection, PLACE, 1L, 1L);
            Thread.sleep(KEPT_OPEN);
            connection.commit();
            Thread.sleep(500);
        }

        private void timed(Connection connection, String sql, Long... parameters) throws SQLException {
            long begun = System.nanoTime();
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                for (int i = 0; i < parameters.length; i++) {
                    statement.setLong(i + 1, parameters[i]);
                }
                statement.executeUpdate();
            }
            longestNanos.accumulateAndGet(System.nanoTime() - begun, Math::max);
            writes.incrementAndGet();
        }
    }
}
