package dev.oms.event;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.WithoutConsumer;
import dev.oms.event.EventFeed.Batch;
import dev.oms.http.ProblemException;
import io.agroal.api.AgroalDataSource;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the feed promises, whatever the transactions that write it do. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class EventFeedTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Set<EventType> ALL = EnumSet.noneOf(EventType.class);

    @Inject
    AgroalDataSource dataSource;

    private final Ledger ledger = OmsServers.ledger();
    private final long subject = FeedRows.subjects();
    private final AtomicInteger followed = new AtomicInteger();
    private EventFeed feed;
    private long start;

    @BeforeEach
    void startAtTheEnd() {
        feed = newFeed();
        start = ledger.count("events") == 0
                ? 0
                : Long.parseLong(
                        ledger.texts("select max(position) from events").getFirst());
        await().atMost(PATIENCE).until(() -> feed.end() >= start);
    }

    /** As in a process that has just started. */
    private EventFeed newFeed() {
        return new EventFeed(new Horizon(dataSource), dataSource, committed -> followed.incrementAndGet());
    }

    /** This test's events that can be read now, by one reader from the start. */
    private List<FeedEvent> readable() {
        return readable(feed);
    }

    private List<FeedEvent> readable(EventFeed feed) {
        return drain(feed, start, 7).stream().filter(this::isOfThisTest).toList();
    }

    private boolean isOfThisTest(FeedEvent event) {
        return event.subjectId() >= subject && event.subjectId() < subject + 1_000;
    }

    private static List<FeedEvent> drain(EventFeed feed, long after, int limit) {
        List<FeedEvent> events = new ArrayList<>();
        Batch batch = feed.read(after, ALL, limit);
        events.addAll(batch.events());
        while (batch.hasMore()) {
            batch = feed.read(batch.position(), ALL, limit);
            events.addAll(batch.events());
        }
        return events;
    }

    private List<Long> readableVersions() {
        return readable().stream().map(FeedEvent::version).toList();
    }

    @Test
    void followsTheNewsWhileSomebodyWaits() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Boolean> waiting = threads.submit(() -> feed.await(start + 1_000_000, PATIENCE));
            try {
                await().atMost(PATIENCE).until(() -> followed.get() > 0);
            } finally {
                feed.wakeAll();
            }

            assertThat(waiting.get()).isTrue();
        }
    }

    @Test
    void tellsOneEventAfterTheOther() {
        long first = FeedRows.insert(ledger, subject, 1, "order.placed");
        long second = FeedRows.insert(ledger, subject, 2, "order.confirmed");

        List<FeedEvent> events = readable();

        assertThat(events).extracting(FeedEvent::position).containsExactly(first, second);
        assertThat(events.getFirst().type()).isEqualTo("order.placed");
        assertThat(events.getFirst().actor()).isEqualTo("tests");
        assertThat(events.getFirst().detail()).isEqualTo("{\"of\": \"tests\"}");
    }

    @Test
    void aBatchEndsWhenItsDetailsAreLarge() {
        FeedRows.insert(ledger, subject, 1, "order.placed");
        ledger.execute("""
                insert into events (subject, subject_id, version, type, detail)
                select 'order', %d, v, 'order.placed', json_build_object('of', repeat('x', %d))
                from generate_series(2, 6) v order by v""".formatted(subject, EventFeed.DETAIL_MAX / 2));

        Batch first = feed.read(start, ALL, 1_000);

        assertThat(first.events()).hasSizeLessThan(6);
        assertThat(first.hasMore()).isTrue();
        assertThat(drain(feed, start, 1_000).stream().filter(this::isOfThisTest).map(FeedEvent::version))
                .containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
    }

    /** What a writer has committed: a subject and its version. */
    private record Change(long subject, long version) {}

    /** Sixteen writers, whose transactions commit in any order, some after 5 seconds and some never. */
    @Test
    void skipsNoEventAndTellsEachOnceInTheOrderOfVersions() throws Exception {
        ledger.execute("drop table if exists feed_test_subjects");
        ledger.execute("create table feed_test_subjects (id bigint primary key, version bigint not null)");
        ledger.execute(
                "insert into feed_test_subjects select %d + i, 0 from generate_series(0, 39) i".formatted(subject));
        Queue<Change> committed = new ConcurrentLinkedQueue<>();
        List<List<FeedEvent>> told = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Void>> writers = IntStream.range(0, 16)
                    .mapToObj(i -> threads.submit(() -> write(new Random(i), i, committed)))
                    .toList();
            // One page size would not find out whether the pages fit together.
            List<Future<List<FeedEvent>>> readers = List.of(
                    threads.submit(() -> follow(newFeed(), writers, 1)),
                    threads.submit(() -> follow(newFeed(), writers, 1_000)),
                    threads.submit(() -> {
                        // A process that starts while there are gaps.
                        Thread.sleep(2_000);
                        return follow(newFeed(), writers, 10);
                    }));

            for (Future<Void> writer : writers) {
                writer.get(2, TimeUnit.MINUTES);
            }
            for (Future<List<FeedEvent>> reader : readers) {
                told.add(reader.get(2, TimeUnit.MINUTES));
            }
        } finally {
            ledger.execute("drop table feed_test_subjects");
        }

        assertThat(committed).hasSizeGreaterThan(500);
        for (List<FeedEvent> events : told) {
            assertThat(events)
                    .extracting(event -> new Change(event.subjectId(), event.version()))
                    .containsExactlyInAnyOrderElementsOf(committed);
            Map<Long, List<Long>> versions =
                    events.stream().collect(groupingBy(FeedEvent::subjectId, mapping(FeedEvent::version, toList())));
            assertThat(versions)
                    .allSatisfy((id, ofOne) -> assertThat(ofOne)
                            .containsExactlyElementsOf(IntStream.rangeClosed(1, ofOne.size())
                                    .mapToObj(Long::valueOf)
                                    .toList()));
        }
    }

    private Void write(Random random, int writer, Queue<Change> committed) throws Exception {
        try (Connection connection = ledger.connect()) {
            // Longer than the 5 s that a writer may hold its locks, several times.
            FeedRows.execute(connection, "set lock_timeout = '1min'");
            connection.setAutoCommit(false);
            for (int i = 0; i < 50; i++) {
                List<Change> changes = new ArrayList<>();
                // Each by several at once, in one order, as a batch locks its orders.
                for (long id : random.longs(1 + random.nextInt(3), subject, subject + 40)
                        .distinct()
                        .sorted()
                        .toArray()) {
                    long version = FeedRows.number(
                            connection,
                            "update feed_test_subjects set version = version + 1 where id = %d returning version"
                                    .formatted(id));
                    Thread.sleep(random.nextInt(5));
                    FeedRows.insert(connection, id, version, "order.placed");
                    changes.add(new Change(id, version));
                }
                boolean isLong = writer < 3 && i == 20;
                Thread.sleep(isLong ? 5_000 : random.nextInt(20));
                if (random.nextInt(5) == 0) {
                    connection.rollback();
                } else {
                    connection.commit();
                    committed.addAll(changes);
                }
            }
        }
        return null;
    }

    /** Follows the feed until all writers have ended and nothing is left. */
    private List<FeedEvent> follow(EventFeed feed, List<Future<Void>> writers, int limit) throws InterruptedException {
        List<FeedEvent> events = new ArrayList<>();
        long position = start;
        boolean isOver = false;
        while (true) {
            Batch batch = feed.read(position, ALL, limit);
            position = batch.position();
            batch.events().stream().filter(this::isOfThisTest).forEach(events::add);
            if (!batch.hasMore()) {
                if (isOver && position >= lastPosition()) {
                    return events;
                }
                isOver = writers.stream().allMatch(Future::isDone);
                feed.await(position, Duration.ofMillis(500));
            }
        }
    }

    private long lastPosition() {
        return Long.parseLong(ledger.texts("select max(position) from events").getFirst());
    }

    /** {@code nextval} alone gives a transaction no id, so nothing that goes by ids knows that it runs. */
    @Test
    void waitsForAPositionWhoseTransactionHasNoIdYet() throws SQLException {
        try (Connection slow = ledger.connect()) {
            slow.setAutoCommit(false);
            long taken = FeedRows.take(slow);
            assertThat(FeedRows.number(slow, "select count(pg_current_xact_id_if_assigned())"))
                    .isZero();
            FeedRows.insert(ledger, subject, 2, "order.confirmed");

            for (int i = 0; i < 20; i++) {
                assertThat(readable()).isEmpty();
                assertThat(readable(newFeed())).isEmpty();
                assertThat(feed.end()).isLessThan(taken);
            }

            FeedRows.execute(slow, """
                    insert into events (position, subject, subject_id, version, type) overriding system value
                    values (%d, 'order', %d, 1, 'order.placed')""".formatted(taken, subject));
            slow.commit();
            assertThat(readableVersions()).containsExactly(1L, 2L);
        }
    }

    @Test
    void waitsForAPositionWhoseSavepointWasRolledBack() throws SQLException {
        try (Connection slow = ledger.connect()) {
            slow.setAutoCommit(false);
            FeedRows.execute(slow, "savepoint one");
            FeedRows.insert(slow, subject, 1, "order.placed");
            FeedRows.execute(slow, "rollback to one");
            FeedRows.insert(slow, subject, 1, "order.placed");
            FeedRows.insert(ledger, subject, 2, "order.confirmed");
            assertThat(readable()).isEmpty();
            slow.commit();

            assertThat(readableVersions()).containsExactly(1L, 2L);
        }
    }

    /** By transaction ids, the batch would come first. */
    @Test
    void tellsABatchAfterTheCancellationThatItWaitedFor() throws Exception {
        long locked = subject + 300;
        ledger.execute("drop table if exists feed_test_orders");
        ledger.execute(
                "create table feed_test_orders as select %d::bigint id union all select %d".formatted(subject, locked));
        try (Connection batch = ledger.connect();
                Connection cancellation = ledger.connect();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            batch.setAutoCommit(false);
            cancellation.setAutoCommit(false);
            lock(batch, subject);
            long idOfBatch = FeedRows.number(batch, "select pg_current_xact_id()::text::bigint");
            lock(cancellation, locked);
            long idOfCancellation = FeedRows.number(cancellation, "select pg_current_xact_id()::text::bigint");
            long pidOfBatch = FeedRows.number(batch, "select pg_backend_pid()");
            long pidOfCancellation = FeedRows.number(cancellation, "select pg_backend_pid()");
            Future<?> waiting = threads.submit(() -> {
                lock(batch, locked);
                return null;
            });
            await().atMost(PATIENCE)
                    .until(() -> ledger.count("unnest(pg_blocking_pids(%d)) pid where pid = %d"
                                    .formatted(pidOfBatch, pidOfCancellation))
                            > 0);
            FeedRows.insert(cancellation, locked, 1, "order.cancelled");
            cancellation.commit();
            waiting.get(1, TimeUnit.MINUTES);
            assertThat(readableVersions()).containsExactly(1L);
            FeedRows.insert(batch, subject, 5, "order.confirmed");
            FeedRows.insert(batch, locked, 2, "order.restored");
            batch.commit();

            assertThat(idOfBatch).isLessThan(idOfCancellation);
            assertThat(readableVersions()).containsExactly(1L, 5L, 2L);
        } finally {
            ledger.execute("drop table feed_test_orders");
        }
    }

    private static void lock(Connection connection, long order) throws SQLException {
        FeedRows.number(connection, "select id from feed_test_orders where id = %d for update".formatted(order));
    }

    /** All of them while a position is missing. */
    @Test
    void transactionsThatTookNoPositionHoldNothingBack() throws SQLException {
        ledger.execute("drop database if exists feed_test");
        ledger.execute("create database feed_test");
        try (Connection elsewhere = connect("feed_test");
                Connection writing = ledger.connect();
                Connection reading = ledger.connect()) {
            elsewhere.setAutoCommit(false);
            FeedRows.execute(elsewhere, "create sequence events_position_seq");
            FeedRows.number(elsewhere, "select nextval('events_position_seq')");
            writing.setAutoCommit(false);
            FeedRows.execute(writing, "create table feed_test_writing (id bigint)");
            reading.setAutoCommit(false);
            FeedRows.execute(reading, "set transaction isolation level repeatable read");
            FeedRows.number(reading, "select count(*) from events");
            rollBack(1);
            long position = FeedRows.insert(ledger, subject, 1, "order.placed");

            await().atMost(PATIENCE).until(() -> feed.end() >= position);
            EventFeed ofAnother = newFeed();
            await().atMost(PATIENCE).until(() -> ofAnother.end() >= position);

            assertThat(readableVersions()).containsExactly(1L);
            elsewhere.rollback();
            writing.rollback();
        } finally {
            ledger.execute("drop database feed_test");
        }
    }

    private Connection connect(String database) throws SQLException {
        String url = OmsServers.servers().settings().get("OMS_DB_URL").replaceFirst("(//[^/]+/)[^?]*", "$1" + database);
        return DriverManager.getConnection(
                url,
                OmsServers.servers().settings().get("OMS_DB_USER"),
                OmsServers.servers().settings().get("OMS_DB_PASSWORD"));
    }

    private void rollBack(int positions) throws SQLException {
        try (Connection connection = ledger.connect()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < positions; i++) {
                FeedRows.insert(connection, subject + 1 + i, 1, "order.placed");
            }
            connection.rollback();
        }
    }

    /** A transaction that took its position after others were missed does not hold those back. */
    @Test
    void aDeadPositionWaitsOnlyForThoseThatHeldTheSequenceWhenItWasMissed() throws SQLException {
        try (Connection late = ledger.connect();
                Connection early = ledger.connect()) {
            early.setAutoCommit(false);
            late.setAutoCommit(false);
            FeedRows.take(early);
            long position = FeedRows.insert(ledger, subject, 1, "order.placed");
            assertThat(readable()).isEmpty();
            FeedRows.take(late);
            FeedRows.insert(ledger, subject, 2, "order.confirmed");
            assertThat(readable()).isEmpty();

            early.rollback();

            await().atMost(PATIENCE).until(() -> feed.end() >= position);
            assertThat(readableVersions()).containsExactly(1L);
            late.rollback();
            await().atMost(PATIENCE).until(() -> readableVersions().equals(List.of(1L, 2L)));
        }
    }

    @Test
    void passesDeadPositions() throws SQLException {
        rollBack(3);
        // As after a crash of the server, and as after a restore.
        ledger.execute("select setval(pg_get_serial_sequence('events', 'position'),"
                + " nextval(pg_get_serial_sequence('events', 'position')) + 32)");
        FeedRows.insert(ledger, subject, 1, "order.placed");
        ledger.execute("select setval(pg_get_serial_sequence('events', 'position'),"
                + " nextval(pg_get_serial_sequence('events', 'position')) + 50000)");
        long position = FeedRows.insert(ledger, subject, 2, "order.confirmed");

        await().atMost(PATIENCE).until(() -> feed.end() >= position);

        assertThat(readableVersions()).containsExactly(1L, 2L);
    }

    @Test
    void readsTheTypesThatAreAskedForAndGoesOnBehindTheOthers() {
        FeedRows.insert(ledger, subject, 1, "order.placed");
        long second = FeedRows.insert(ledger, subject, 2, "order.confirmed");
        long third = FeedRows.insert(ledger, subject, 3, "order.delivered");
        await().atMost(PATIENCE).until(() -> feed.end() >= third);

        Batch some = feed.read(start, EnumSet.of(EventType.ORDER_CONFIRMED, EventType.ITEM_ADDED), 10);
        Batch none = feed.read(second, EnumSet.of(EventType.ORDER_CONFIRMED), 10);

        assertThat(some.events().stream().filter(this::isOfThisTest))
                .extracting(FeedEvent::version)
                .containsExactly(2L);
        assertThat(none.events().stream().filter(this::isOfThisTest)).isEmpty();
        assertThat(none.position()).isGreaterThanOrEqualTo(third);
    }

    /** With every plan that PostgreSQL may choose for the statement: those for these values and the one for any. */
    @Test
    void workIsBoundedHoweverManyEventsThereAre() throws SQLException {
        try (Connection connection = ledger.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("""
                    insert into events (subject, subject_id, version, type)
                    select 'order', %d + i, 1, case when i %% 50000 = 0 then 'order.returned' else 'order.placed' end
                    from generate_series(1, 200000) i""".formatted(subject));
            statement.execute("analyze events");
            long first = FeedRows.number(connection, "select min(position) from events where subject_id > " + subject);
            for (String mode : List.of("force_custom_plan", "force_generic_plan")) {
                statement.execute("set local plan_cache_mode = " + mode);
                for (long after : List.of(first, first + 150_000)) {
                    String all = explain(statement, EventFeed.query(false, false), after, first + 200_000, "100");
                    String ofTypes = explain(
                            statement,
                            EventFeed.query(true, false),
                            after,
                            after + EventFeed.SCAN_MAX,
                            "array['order.returned', 'order.rejected'], 100");
                    String ofUser = explain(
                            statement, EventFeed.query(false, true), after, after + EventFeed.SCAN_MAX, "7, 100");

                    assertThat(all).contains("rows=100").doesNotContain("Rows Removed");
                    for (String plan : List.of(all, ofTypes, ofUser)) {
                        assertThat(plan)
                                .as(mode)
                                .contains("Index Scan using events_pkey")
                                .doesNotContain("Seq Scan on events", "Sort");
                    }
                    assertThat(removed(ofTypes)).isBetween(9_000, EventFeed.SCAN_MAX);
                    assertThat(removed(ofUser)).isBetween(9_000, EventFeed.SCAN_MAX);
                }
            }
            connection.rollback();
        }
    }

    private static String explain(Statement statement, String query, long after, long upTo, String rest)
            throws SQLException {
        StringBuilder numbered = new StringBuilder();
        int parameter = 0;
        for (String part : query.split("\\?", -1)) {
            numbered.append(parameter == 0 ? "" : "$" + parameter).append(part);
            parameter++;
        }
        statement.execute("prepare feed as " + numbered);
        try {
            StringBuilder plan = new StringBuilder();
            try (var row = statement.executeQuery("explain (analyze, costs off, timing off, summary off, buffers)"
                    + " execute feed (%d, %d, %s)".formatted(after, upTo, rest))) {
                while (row.next()) {
                    plan.append(row.getString(1)).append('\n');
                }
            }
            return plan.toString();
        } finally {
            statement.execute("deallocate feed");
        }
    }

    /** With a table of the same name that is this session's alone, so that it costs no other test anything. */
    @Test
    @Tag("full")
    void theLastPageCostsWhatTheFirstDoes() throws SQLException {
        long events = 1_500_000;
        try (Connection connection = ledger.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("create temporary table events (like events including all)");
            statement.execute("""
                    insert into events (subject, subject_id, version, type)
                    select 'order', i / 4, i, case i %% 4 when 0 then 'order.placed' else 'order.confirmed' end
                    from generate_series(1, %d) i""".formatted(events));
            statement.execute("analyze events");
            for (String mode : List.of("force_custom_plan", "force_generic_plan")) {
                statement.execute("set plan_cache_mode = " + mode);
                for (String query : List.of(EventFeed.query(false, false), EventFeed.query(true, false))) {
                    String rest = query.contains("any") ? "array['order.placed'], 1000" : "1000";
                    long first = buffers(explain(statement, query, 0, events, rest));
                    long middle = buffers(explain(statement, query, events / 2, events, rest));
                    long last = buffers(explain(statement, query, events - 5_000, events, rest));

                    // The page may begin in the middle of a block of rows or of the index.
                    assertThat(List.of(middle, last))
                            .as(mode)
                            .allSatisfy(cost -> assertThat(cost).isBetween(first - 5, first + 5));
                    assertThat(first).isLessThan(200);
                }
                // A process that starts has seen nothing, and one that follows nearly all.
                String fromStart = explain(statement, Horizon.AHEAD, 0, Horizon.AHEAD_MAX, "0");
                assertThat(buffers(fromStart)).as(mode).isLessThan(1_000);
                String following =
                        explain(statement, Horizon.AHEAD, events - 100, Horizon.AHEAD_MAX, "" + (events - 100));
                assertThat(buffers(following)).as(mode).isLessThan(100);
            }
        }
    }

    /** How many blocks of 8 kB a statement has read, in memory or not. */
    private static long buffers(String plan) {
        // Each node's figure has those of the nodes below.
        String all = plan.lines()
                .filter(line -> line.contains("Buffers: "))
                .findFirst()
                .orElseThrow();
        return Pattern.compile("(?:hit|read)=(\\d+)")
                .matcher(all)
                .results()
                .mapToLong(match -> Long.parseLong(match.group(1)))
                .sum();
    }

    /** How many events a plan has read in vain: its first figure. A second one would be of the look-up in orders. */
    private static int removed(String plan) {
        return plan.lines()
                .filter(line -> line.contains("Rows Removed by Filter: "))
                .mapToInt(line -> Integer.parseInt(line.replaceFirst(".*: ", "").strip()))
                .findFirst()
                .orElse(0);
    }

    @Test
    void wakesThoseThatWait() throws Exception {
        long end = feed.end();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Boolean> waiting = threads.submit(() -> feed.await(end, Duration.ofHours(1)));

            FeedRows.insert(ledger, subject, 1, "order.placed");

            assertThat(waiting.get(1, TimeUnit.MINUTES)).isTrue();
        }
    }

    @Test
    void nobodyWaitsForAProcessThatStops() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Boolean> early = threads.submit(() -> feed.await(Long.MAX_VALUE, Duration.ofHours(1)));

            feed.stop(new ShutdownEvent());

            assertThat(early.get(1, TimeUnit.MINUTES)).isFalse();
            assertThat(feed.await(Long.MAX_VALUE, Duration.ofHours(1))).isFalse();
        }
    }

    @Test
    void refusesTheCursorOfAnotherDatabase() {
        FeedRows.insert(ledger, subject, 1, "order.placed");
        Cursor own = feed.cursorOf(lastPosition());

        assertThat(feed.positionOf(Cursor.parse(own.toString()))).isEqualTo(own.position());
        for (Cursor other : List.of(
                new Cursor(own.epoch() + 1, own.position()), new Cursor(own.epoch(), own.position() + 1_000_000_000))) {
            assertThatThrownBy(() -> feed.positionOf(other))
                    .isInstanceOfSatisfying(
                            ProblemException.class,
                            e -> assertThat(e.problem().status()).isEqualTo(410));
        }
    }
}
