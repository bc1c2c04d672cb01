package dev.oms.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** The migration of the timelines (V29 to V31), beside processes of the version before. */
class MoveOrderEventsTest {
    /** More than two pages. */
    private static final int ORDERS = 12_000;

    private static final String TIMELINES =
            "select concat_ws(' ', order_id, version, event, actor, created_at) from order_events order by order_id, version";

    /** As the version before settles orders, and reads a timeline. */
    private static final String SETTLE = """
            with settled as (
                update orders o set status = s.status, due = null, version = version + 1, updated_at = now()
                from unnest(?, ?) s (id, status) where o.id = s.id
                returning o.id, o.version, o.status, o.updated_at)
            insert into order_events (order_id, version, event, actor, created_at)
            select id, version, status, ?, updated_at from settled""";

    private static final String READ =
            "select event, actor, created_at, version from order_events e where order_id = ? order by version";

    private PGSimpleDataSource dataSource;
    private Ledger ledger;

    @BeforeEach
    void fill() {
        dataSource = MigratedDatabases.createEmpty();
        ledger = new Ledger(dataSource);
        migrate("27");
        ledger.execute(
                "insert into users (name, email, phone, created_at, updated_at) values ('a', 'b', 'c', now(), now())");
        ledger.execute("""
                insert into orders (user_id, status, enqueued_at, version, created_at, updated_at)
                select 1, 'Pending', now(), 2, now(), now() from generate_series(1, %d)""".formatted(ORDERS));
        ledger.execute("""
                insert into order_events (order_id, version, event, actor, created_at)
                select n, v, (array['Received', 'Confirmed', 'Rejected', 'OutForDelivery', 'Delivered', 'Cancelled', 'Restored',
                    'Abandoned'])[1 + (n + v) %% 8], 'actor ' || n, now() - n * interval '1 second' + v * interval '1 hour'
                from generate_series(1, %d) n, generate_series(1, 2) v""".formatted(ORDERS));
    }

    private void migrate(String version) {
        PGSimpleDataSource own = OmsServers.dataSource(OmsServers.servers().settings());
        own.setDatabaseName(dataSource.getDatabaseName());
        FluentConfiguration flyway = Flyway.configure();
        MigrateOnline.configure(flyway, own);
        flyway.locations("classpath:db/migration").target(version).load().migrate();
    }

    @Test
    void keepsEveryTimeline() {
        List<String> before = ledger.texts(TIMELINES);

        migrate("31");

        assertThat(ledger.texts(TIMELINES)).isEqualTo(before);
        assertThat(ledger.texts("""
                        select concat_ws(' ', subject_id, version,
                            replace(initcap(replace(type, 'order.', '')), '_For_', 'For'), actor, created_at)
                        from events where subject = 'order' and detail is null order by position""")).isEqualTo(before);
        assertThat(ledger.count("events where position >= 0")).isZero();
        assertThat(ledger.texts("select relname from pg_class where relname like 'order_events%'"))
                .containsExactly("order_events");
    }

    @Test
    void letsTheVersionBeforeWriteAndRead() throws SQLException {
        migrate("31");

        try (Connection connection = dataSource.getConnection()) {
            assertThat(settle(connection, 1, 2)).isEqualTo(2);
        }

        assertThat(ledger.texts("""
                select concat_ws(' ', subject, subject_id, version, type, actor, created_at > now() - interval '1 minute')
                from events where position > 0 order by subject_id"""))
                .containsExactly("order 1 3 order.confirmed worker 1 t", "order 2 3 order.confirmed worker 1 t");
        assertThat(ledger.texts("select event from order_events where order_id = 1 order by version"))
                .containsExactly("Rejected", "OutForDelivery", "Confirmed");
    }

    @Test
    void doesNotShowItWhatItDoesNotKnow() {
        migrate("31");

        ledger.execute("""
                insert into events (subject, subject_id, version, type) values
                ('order', 99999, 0, 'order.placed'), ('order', 99999, 1, 'order.of_the_future'), ('item', 99999, 1, 'item.added')""");

        assertThat(ledger.count("order_events where order_id = 99999")).isZero();
    }

    /** With the statements that it had prepared before. */
    @Test
    void losesNothingThatIsWrittenMeanwhile() throws Exception {
        AtomicBoolean stopped = new AtomicBoolean();
        CountDownLatch started = new CountDownLatch(2);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Integer> writing = threads.submit(() -> {
                int written = 0;
                try (Connection connection = dataSource.getConnection()) {
                    for (long id = 1; !stopped.get(); id = 1 + id % ORDERS, written++) {
                        settle(connection, id);
                        if (written == 20) {
                            started.countDown();
                        }
                    }
                }
                return written;
            });
            Future<?> reading = threads.submit(() -> {
                try (Connection connection = dataSource.getConnection();
                        PreparedStatement statement = connection.prepareStatement(READ)) {
                    for (int reads = 0; !stopped.get(); reads++) {
                        statement.setLong(1, ORDERS - reads % 1_000);
                        int rows = 0;
                        try (var row = statement.executeQuery()) {
                            while (row.next()) {
                                rows++;
                            }
                        }
                        assertThat(rows).isGreaterThanOrEqualTo(2);
                        if (reads == 20) {
                            started.countDown();
                        }
                    }
                }
                return null;
            });
            assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();

            try {
                migrate("31");
            } finally {
                stopped.set(true);
            }

            reading.get(60, TimeUnit.SECONDS);
            assertThat(ledger.count("order_events where actor = 'worker 1'"))
                    .isEqualTo(writing.get().longValue());
        }
        assertThat(ledger.count("order_events")).isEqualTo(ledger.count("events"));
        assertThat(ledger.texts("""
                        select id from orders o join (
                            select subject_id id, array_agg(version order by position) versions from events group by subject_id) e
                            using (id)
                        where e.versions <> array(select generate_series(1, o.version))""")).isEmpty();
    }

    @Test
    void goesOnFromWhereItFailed() {
        List<String> before = ledger.texts(TIMELINES);
        migrate("28");
        ledger.execute("""
                create function fail() returns trigger language plpgsql as $$
                begin raise exception 'the disk is full'; end $$""");
        ledger.execute("""
                create trigger fail before insert on events for each row when (new.subject_id = %d)
                execute function fail()""".formatted(ORDERS));
        assertThatThrownBy(() -> migrate("30")).hasStackTraceContaining("the disk is full");
        assertThat(ledger.texts(TIMELINES)).isEqualTo(before);
        assertThat(ledger.count("events")).isEqualTo(20_000);
        ledger.execute("drop function fail() cascade");

        migrate("31");

        assertThat(ledger.texts(TIMELINES)).isEqualTo(before);
        assertThat(ledger.count("events")).isEqualTo(2 * ORDERS);
    }

    private static int settle(Connection connection, long... ids) throws SQLException {
        Long[] orders = Arrays.stream(ids).boxed().toArray(Long[]::new);
        String[] statuses = new String[ids.length];
        Arrays.fill(statuses, "Confirmed");
        try (PreparedStatement statement = connection.prepareStatement(SETTLE)) {
            statement.setArray(1, connection.createArrayOf("bigint", orders));
            statement.setArray(2, connection.createArrayOf("text", statuses));
            statement.setString(3, "worker 1");
            return statement.executeUpdate();
        }
    }
}
