package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.standardwebhooks.Webhook;
import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.event.EventFeed;
import dev.oms.webhook.TestReceiver.Received;
import io.agroal.api.AgroalDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpServerResponse;
import jakarta.inject.Inject;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers that send to receivers on this machine, from events that are written into the log. */
@QuarkusTest
@WithTestResource(OmsServers.class)
@Timeout(300)
class DispatchWebhooksTest {
    private final Ledger ledger = OmsServers.ledger();
    private final List<AutoCloseable> open = new ArrayList<>();

    /** Of this test alone: other tests write events, too. */
    private final long firstOrder = ThreadLocalRandom.current().nextLong(1L << 40, 1L << 52);

    @Inject
    EventFeed feed;

    @Inject
    WebhookLeases leases;

    @Inject
    SaveProgress saver;

    @Inject
    SendMessage sender;

    @Inject
    LookUpAddresses addresses;

    @Inject
    AgroalDataSource dataSource;

    @Inject
    Vertx vertx;

    @Inject
    Secrets secrets;

    @Inject
    ObjectMapper mapper;

    @Inject
    WebhookConfig config;

    @BeforeEach
    void deleteWebhooks() {
        TestWebhooks.deleteAll(ledger);
        ledger.execute("delete from webhook_workers");
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
        TestWebhooks.deleteAll(ledger);
    }

    // --- A worker, a receiver, a webhook, events ---

    private TestDispatcher worker() {
        return worker(sender);
    }

    private TestDispatcher worker(SendMessage with) {
        return worker(with, saver);
    }

    private TestDispatcher worker(SendMessage with, SaveProgress storing) {
        TestDispatcher worker = new TestDispatcher(feed, leases, storing, with, secrets, mapper, config);
        open.add(worker);
        return worker;
    }

    private TestReceiver receiver() throws Exception {
        TestReceiver receiver = new TestReceiver();
        open.add(receiver);
        return receiver;
    }

    private final SigningSecret secret = SigningSecret.create();

    /** Returns its id. */
    private long webhook(TestReceiver receiver, String... types) {
        long id = TestWebhooks.add(ledger, receiver.url());
        StringBuilder hex = new StringBuilder();
        for (byte each : secrets.encrypt(id, secret)) {
            hex.append("%02x".formatted(each));
        }
        ledger.execute("update webhook_endpoints set secret = '\\x%s', types = '{%s}' where id = %d"
                .formatted(hex, String.join(",", types), id));
        return id;
    }

    /** Writes events: each of some orders gets some versions, one after the other. */
    private void events(int orders, int versions) {
        events(0, orders, 1, versions);
    }

    private void events(int order, int orders, int version, int versions) {
        ledger.execute("""
                insert into events (subject, subject_id, version, type)
                select 'order', %d + o, v, case when v %% 2 = 1 then 'order.placed' else 'order.confirmed' end
                from generate_series(%d, %d) v, generate_series(%d, %d) o order by v, o""".formatted(firstOrder, version, version + versions - 1, order, order + orders - 1));
    }

    private static ConditionFactory eventually() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(20));
    }

    private List<Received> mine(TestReceiver receiver) {
        return receiver.received().stream().filter(this::isMine).toList();
    }

    private boolean isMine(Received event) {
        return event.subjectId() >= firstOrder && event.subjectId() < firstOrder + 1_000_000;
    }

    private static List<Long> versions(int count) {
        return LongStream.rangeClosed(1, count).boxed().toList();
    }

    private Map<Long, List<Long>> accepted(TestReceiver receiver) {
        return receiver.accepted().entrySet().stream()
                .filter(each -> each.getKey() >= firstOrder && each.getKey() < firstOrder + 1_000_000)
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    private void assertAccepted(TestReceiver receiver, int orders, int versions) {
        assertThat(accepted(receiver))
                .hasSize(orders)
                .allSatisfy((order, those) -> assertThat(those).isEqualTo(versions(versions)));
    }

    private String value(String column, long webhook) {
        return ledger.texts("select %s from webhook_endpoints where id = %d".formatted(column, webhook))
                .getFirst();
    }

    private void awaitPosition(long webhook) {
        eventually()
                .until(() -> ledger.count(
                                "webhook_endpoints w where id = %d and position >= (select max(position) from events)"
                                        .formatted(webhook))
                        == 1);
    }

    /** As the API does it with every change. */
    private void change(long webhook, String changes) {
        ledger.execute("update webhook_endpoints set lease = null, lease_until = null%s where id = %d"
                .formatted(changes, webhook));
    }

    private void retryNow(long webhook) {
        ledger.execute(("update webhook_retries set next_attempt_at = clock_timestamp() "
                        + "where endpoint_id = %d and next_attempt_at is not null")
                .formatted(webhook));
        change(webhook, ", probe_at = case when probe_at > clock_timestamp() then clock_timestamp() else probe_at end");
    }

    // --- What is sent ---

    @Test
    void sendsEveryEventOnceInOrderAndSigned() throws Exception {
        TestReceiver receiver = receiver();
        long webhook = webhook(receiver);
        worker();

        events(20, 30);

        eventually().untilAsserted(() -> assertAccepted(receiver, 20, 30));
        awaitPosition(webhook);
        assertThat(mine(receiver)).hasSize(600).doesNotHaveDuplicates();
        for (Received each : mine(receiver)) {
            new Webhook(secret.value()).verify(each.body(), each.headers());
            assertThat(each.id()).isEqualTo(each.event().getString("id")).doesNotContain(".");
        }
        assertThat(ledger.count("webhook_attempts where succeeded and status = 204 and endpoint_id = " + webhook))
                .isGreaterThanOrEqualTo(600);
        assertThat(ledger.texts("select sum(succeeded) from webhook_counts where endpoint_id = " + webhook))
                .isEqualTo(ledger.texts("select count(*) from webhook_attempts where endpoint_id = " + webhook));
    }

    @Test
    void sendsTheTypesThatWereAskedFor() throws Exception {
        TestReceiver receiver = receiver();
        long webhook = webhook(receiver, "order.confirmed");
        worker();

        events(10, 4);

        awaitPosition(webhook);
        eventually().until(() -> mine(receiver).size() == 20);
        assertThat(mine(receiver)).extracting(Received::type).containsOnly("order.confirmed");
    }

    @Test
    void catchesUpWithWhatHappenedBefore() throws Exception {
        TestReceiver receiver = receiver();
        long webhook = webhook(receiver);
        events(50, 100);

        worker();

        eventually().untilAsserted(() -> assertAccepted(receiver, 50, 100));
        awaitPosition(webhook);
        assertThat(mine(receiver)).hasSize(5_000);
    }

    /** Whoever takes a number first may commit last, or never. */
    @Test
    void skipsNothingThatSixteenWritersCommitInAnyOrder() throws Exception {
        TestReceiver receiver = receiver();
        webhook(receiver);
        worker();
        Map<Long, Integer> committed = new ConcurrentHashMap<>();

        try (ExecutorService writers = Executors.newFixedThreadPool(16)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                int seed = i;
                all.add(writers.submit(() -> {
                    write(new Random(seed), committed);
                    return null;
                }));
            }
            for (Future<?> each : all) {
                each.get();
            }
        }

        Map<Long, List<Long>> expected = committed.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, each -> versions(each.getValue())));
        eventually().untilAsserted(() -> assertThat(accepted(receiver)).isEqualTo(expected));
    }

    private void write(Random random, Map<Long, Integer> committed) throws Exception {
        try (Connection connection = ledger.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("set lock_timeout = 0");
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            for (int i = 0; i < 25; i++) {
                long order = firstOrder + random.nextInt(40);
                statement.execute("select pg_advisory_xact_lock(%d)".formatted(order));
                try (ResultSet row = statement.executeQuery("""
                        insert into events (subject, subject_id, version, type)
                        select 'order', %1$d, coalesce(max(version), 0) + 1, 'order.placed'
                        from events where subject = 'order' and subject_id = %1$d returning version""".formatted(order))) {
                    row.next();
                    int version = row.getInt(1);
                    Thread.sleep(random.nextInt(20) == 0 ? 1_000 : random.nextInt(30));
                    if (random.nextInt(5) == 0) {
                        connection.rollback();
                    } else {
                        connection.commit();
                        committed.merge(order, version, Math::max);
                    }
                }
            }
        }
    }

    // --- Failures ---

    @Test
    void retriesUnderTheSameIdWhileOthersGoOn() throws Exception {
        TestReceiver receiver = receiver();
        AtomicInteger refused = new AtomicInteger();
        receiver.behave((event, response) ->
                response.setStatusCode(event.subjectId() == firstOrder && refused.incrementAndGet() == 1 ? 500 : 204));
        long webhook = webhook(receiver);
        worker();

        events(3, 3);
        eventually()
                .untilAsserted(() -> assertThat(accepted(receiver)).containsOnlyKeys(firstOrder + 1, firstOrder + 2));
        events(0, 3, 4, 1);

        eventually().untilAsserted(() -> assertAccepted(receiver, 3, 4));
        List<Received> ofFirst = mine(receiver).stream()
                .filter(each -> each.subjectId() == firstOrder)
                .toList();
        assertThat(ofFirst).extracting(Received::version).containsExactly(1L, 1L, 2L, 3L, 4L);
        assertThat(ofFirst.get(0).id()).isEqualTo(ofFirst.get(1).id());
        awaitPosition(webhook);
        eventually().until(() -> ledger.count("webhook_retries where endpoint_id = " + webhook) == 0);
        assertThat(ledger.texts(
                        "select attempt || ' ' || succeeded || ' ' || coalesce(reason, '') from webhook_attempts a "
                                + "join events e using (position) where subject_id = %d and version = 1 order by a.id"
                                        .formatted(firstOrder)))
                .containsExactly("1 false status 500", "2 true ");
    }

    @Test
    void disablesWhatIsGoneAndDeletesNothing() throws Exception {
        TestReceiver receiver = receiver();
        receiver.behave(TestReceiver.answering(410));
        long webhook = webhook(receiver);
        worker();

        events(1, 3);

        eventually().until(() -> "gone".equals(value("disabled_reason", webhook)));
        assertThat(value("lease", webhook)).isNull();
        assertThat(ledger.count("webhook_retries where endpoint_id = " + webhook))
                .isEqualTo(3);

        receiver.behave(TestReceiver.accepting());
        retryNow(webhook);
        change(webhook, ", disabled_at = null, disabled_reason = null, failures = 0, failing_since = null");
        eventually().untilAsserted(() -> assertAccepted(receiver, 1, 3));
    }

    @Test
    void disablesWhatHasFailedForFiveDays() throws Exception {
        TestReceiver receiver = receiver();
        receiver.behave(TestReceiver.answering(500));
        events(1, 1);
        long webhook = webhook(receiver);
        // After a first attempt: from the second on, minutes pass before it is sent again by itself.
        ledger.execute("""
                insert into webhook_retries (endpoint_id, position, subject, subject_id, attempt, next_attempt_at)
                select %d, position, subject, subject_id, 1, clock_timestamp() from events where subject_id = %d""".formatted(webhook, firstOrder));
        worker();
        eventually().until(() -> value("failing_since", webhook) != null);

        // An hour is left.
        ledger.execute("update webhook_endpoints set failing_since = clock_timestamp() - interval '119 hours'");
        retryNow(webhook);
        eventually().until(() -> mine(receiver).size() == 2);
        eventually().until(() -> ledger.count("webhook_attempts where endpoint_id = " + webhook) == 2);
        assertThat(value("disabled_at", webhook)).isNull();
        assertThat(value("disabled_reason", webhook)).isNull();
        ledger.execute("update webhook_endpoints set failing_since = clock_timestamp() - interval '121 hours'");
        retryNow(webhook);

        eventually().until(() -> "failing".equals(value("disabled_reason", webhook)));
        assertThat(ledger.count("webhook_retries where endpoint_id = " + webhook))
                .isEqualTo(1);
        assertThat(ledger.texts("select attempt || ' ' || succeeded || ' ' || reason from webhook_attempts "
                        + "where endpoint_id = %d order by id".formatted(webhook)))
                .containsExactly("2 false status 500", "3 false status 500", "4 false status 500");
    }

    @Test
    void leavesAReceiverAloneForAsLongAsItAsks() throws Exception {
        TestReceiver receiver = receiver();
        receiver.behave((event, response) -> response.setStatusCode(429).putHeader("Retry-After", "3600"));
        long webhook = webhook(receiver);
        worker();

        events(1, 1);
        eventually().until(() -> value("probe_at", webhook) != null);
        receiver.behave(TestReceiver.accepting());
        events(1, 5, 1, 1);

        for (String due : List.of(
                value("extract(epoch from probe_at - clock_timestamp())", webhook),
                ledger.texts("select extract(epoch from next_attempt_at - clock_timestamp()) from webhook_retries "
                                + "where endpoint_id = " + webhook)
                        .getFirst())) {
            assertThat(Double.parseDouble(due)).isBetween(3_000.0, 3_601.0);
        }
        Thread.sleep(1_000);
        assertThat(mine(receiver)).hasSize(1);

        retryNow(webhook);
        eventually().untilAsserted(() -> assertAccepted(receiver, 6, 1));
    }

    @Test
    void triesAReceiverThatFailsWithOneEventUntilItIsBack() throws Exception {
        TestReceiver receiver = receiver();
        receiver.behave(TestReceiver.answering(503));
        long webhook = webhook(receiver);
        worker();

        events(300, 2);
        eventually().until(() -> value("probe_at", webhook) != null);
        int first = mine(receiver).size();
        eventually().until(() -> mine(receiver).size() > first);
        assertThat(mine(receiver)).hasSizeLessThan(60);

        receiver.behave(TestReceiver.accepting());
        retryNow(webhook);
        eventually().untilAsserted(() -> assertAccepted(receiver, 300, 2));
        eventually().until(() -> value("failing_since", webhook) == null && value("probe_at", webhook) == null);
    }

    @Test
    void tenDeadReceiversCostTenOthersNothing() throws Exception {
        List<TestReceiver> alive = new ArrayList<>();
        List<TestReceiver> silent = new ArrayList<>();
        List<TestReceiver> failing = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            TestReceiver dead = receiver();
            dead.behave(i % 2 == 0 ? (event, response) -> {} : TestReceiver.answering(500));
            (i % 2 == 0 ? silent : failing).add(dead);
            webhook(dead);
            alive.add(receiver());
            webhook(alive.getLast());
        }
        // The dead ones hold their requests until the end.
        PostWebhook patient =
                new PostWebhook(vertx, Clock.systemUTC(), "1.0", new HttpClientOptions(), Duration.ofHours(1));
        worker(new SendMessage(patient, addresses, Clock.systemUTC()));

        events(100, 5);

        eventually().untilAsserted(() -> {
            for (TestReceiver receiver : alive) {
                assertAccepted(receiver, 100, 5);
            }
        });
        assertThat(alive)
                .allSatisfy(
                        receiver -> assertThat(mine(receiver)).as("none twice").hasSize(500));
        int underWayMax = config.dispatcher().perEndpoint();
        assertThat(silent).allSatisfy(receiver -> assertThat(mine(receiver)).hasSizeBetween(1, underWayMax));
        // What is under way when the tenth fails, and then one at a time, at growing intervals.
        assertThat(failing)
                .allSatisfy(receiver -> assertThat(mine(receiver))
                        .hasSizeBetween(RetrySchedule.FAILURES_MAX, RetrySchedule.FAILURES_MAX + underWayMax + 10));
    }

    // --- PostgreSQL ---

    /** Loses its connection some times while it stores failures: in a statement, or with the answer to the commit. */
    private final class LosingConnections {
        private static final int TIMES = 3;

        private final String where;
        private final AtomicInteger lost = new AtomicInteger();
        private volatile boolean loses;

        LosingConnections(String where) {
            this.where = where;
        }

        SaveProgress saver() {
            return new SaveProgress(proxy(AgroalDataSource.class, dataSource)) {
                @Override
                Map<Long, Saved> save(UUID lease, Collection<Progress> all) {
                    loses = lost.get() < TIMES
                            && all.stream().anyMatch(each -> !each.added().isEmpty());
                    Map<Long, Saved> saved = super.save(lease, all);
                    if (loses && where.equals("commit")) {
                        lost.incrementAndGet();
                        throw new IllegalStateException(new SQLException("The connection is lost", "08006"));
                    }
                    return saved;
                }
            };
        }

        private <T> T proxy(Class<T> type, T real) {
            return type.cast(Proxy.newProxyInstance(
                    type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                        try {
                            if (loses && method.getName().equals("prepareStatement") && names(arguments)) {
                                loses = false;
                                lost.incrementAndGet();
                                terminate((Connection) real);
                            }
                            Object result = method.invoke(real, arguments);
                            return result instanceof Connection connection
                                    ? proxy(Connection.class, connection)
                                    : result;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    }));
        }

        private boolean names(Object[] arguments) {
            return ((String) arguments[0]).startsWith(where);
        }

        private void terminate(Connection connection) throws SQLException {
            try (Statement statement = connection.createStatement()) {
                statement.execute("select pg_terminate_backend(pg_backend_pid())");
            }
        }
    }

    /**
     * The first event holds the cursor, so that nothing in the row tells whether what was lost has been stored. Then
     * another reads the endpoint from the database: it must find what failed.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "update webhook_endpoints",
                "insert into webhook_attempts",
                "insert into webhook_counts",
                "insert into webhook_retries",
                "commit"
            })
    void skipsNothingWhenPostgresGoesAwayWhileItStores(String where) throws Exception {
        TestReceiver receiver = receiver();
        BiConsumer<Received, HttpServerResponse> refusesThree = (event, response) -> response.setStatusCode(
                event.subjectId() > firstOrder && event.subjectId() <= firstOrder + 3 ? 500 : 204);
        receiver.behave((event, response) -> {
            if (event.subjectId() != firstOrder) {
                refusesThree.accept(event, response);
            }
        });
        long webhook = webhook(receiver);
        LosingConnections losing = new LosingConnections(where);
        worker(sender, losing.saver());

        events(20, 3);
        eventually().until(() -> losing.lost.get() == LosingConnections.TIMES);
        events(0, 20, 4, 2);
        receiver.behave(refusesThree);
        receiver.release(204);
        awaitPosition(webhook);
        change(webhook, "");
        eventually().until(() -> ledger.count("webhook_endpoints where lease is not null") == 1);
        receiver.behave(TestReceiver.accepting());
        retryNow(webhook);

        eventually()
                .untilAsserted(() -> assertThat(firstTimes(receiver))
                        .hasSize(20)
                        .allSatisfy((order, those) -> assertThat(those).isEqualTo(versions(5))));
        eventually().until(() -> ledger.count("webhook_retries where endpoint_id = " + webhook) == 0);
    }

    /** The versions by order as a receiver takes note of them that ignores what it has had. */
    private Map<Long, List<Long>> firstTimes(TestReceiver receiver) {
        Map<String, Received> firsts = new LinkedHashMap<>();
        mine(receiver).stream()
                // Those that were held have been accepted, too.
                .filter(each -> each.status() != 500)
                .forEach(each -> firsts.putIfAbsent(each.id(), each));
        return firsts.values().stream()
                .collect(Collectors.groupingBy(
                        Received::subjectId, Collectors.mapping(Received::version, Collectors.toList())));
    }

    // --- Leases ---

    @Test
    void takesOverWhatAnotherWorkerHasLeft() throws Exception {
        TestReceiver receiver = receiver();
        long webhook = webhook(receiver);
        UUID dead = UUID.randomUUID();
        ledger.execute(("update webhook_endpoints set lease = '%s', lease_until = clock_timestamp() + interval '1 h' "
                        + "where id = %d")
                .formatted(dead, webhook));
        worker();

        events(5, 2);
        // Several times as long as it takes to look for endpoints.
        Thread.sleep(2_500);
        assertThat(mine(receiver)).isEmpty();
        ledger.execute("update webhook_endpoints set lease_until = clock_timestamp() - interval '1 s'");

        eventually().untilAsserted(() -> assertAccepted(receiver, 5, 2));
        assertThat(value("lease", webhook)).isNotEqualTo(dead.toString());
    }

    /** As if it had been suspended while another worker took the endpoint. */
    @Test
    void aWorkerThatHasLostItsLeaseStoresNothing() throws Exception {
        TestReceiver receiver = receiver();
        receiver.behave((event, response) -> {});
        long webhook = webhook(receiver);
        String start = value("position", webhook);
        worker();
        events(5, 1);
        eventually().until(() -> mine(receiver).size() == 5);
        String position = ledger.texts("select min(position) - 1 from events where position > " + start)
                .getFirst();
        // It moves past numbers that no event has.
        eventually().until(() -> value("position", webhook).equals(position));
        UUID other = UUID.randomUUID();

        ledger.execute(("update webhook_endpoints set lease = '%s', lease_until = clock_timestamp() + interval '1 h' "
                        + "where id = %d")
                .formatted(other, webhook));
        receiver.release(204);
        Thread.sleep(3_000);

        assertThat(value("position", webhook)).isEqualTo(position);
        assertThat(value("lease", webhook)).isEqualTo(other.toString());
        assertThat(ledger.count("webhook_attempts where endpoint_id = " + webhook))
                .isZero();

        // The other worker dies.
        receiver.behave(TestReceiver.accepting());
        change(webhook, "");
        eventually().untilAsserted(() -> assertAccepted(receiver, 5, 1));
    }

    @Test
    void workersShareTheEndpoints() throws Exception {
        List<TestReceiver> receivers = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            receivers.add(receiver());
            webhook(receivers.getLast());
        }
        worker();
        eventually().until(() -> ledger.count("webhook_endpoints where lease is not null") == 6);
        worker();

        eventually()
                .until(() -> ledger.texts(
                                "select string_agg(c::text, ' ') from (select count(*) c from webhook_endpoints group by lease) x")
                        .equals(List.of("3 3")));

        events(10, 10);
        eventually().untilAsserted(() -> receivers.forEach(receiver -> assertAccepted(receiver, 10, 10)));
        receivers.forEach(receiver -> assertThat(mine(receiver)).hasSize(100));
    }

    @Test
    void storesWhatItHasSentBeforeItStops() throws Exception {
        TestReceiver receiver = receiver();
        AtomicInteger asked = new AtomicInteger();
        receiver.behave(
                (event, response) -> response.setStatusCode(isMine(event) && asked.incrementAndGet() > 100 ? 0 : 204));
        long webhook = webhook(receiver);
        TestDispatcher worker = worker();
        events(200, 5);
        int sent = 100 + config.dispatcher().perEndpoint();
        eventually().until(() -> mine(receiver).size() == sent);

        Thread closing = Thread.ofPlatform().start(worker::close);
        // In its only wait with a time-out, and thus stopping.
        eventually().until(() -> closing.getState() == Thread.State.TIMED_WAITING);
        eventually().until(() -> {
            receiver.release(204);
            return !closing.isAlive();
        });

        assertThat(mine(receiver)).hasSize(sent);
        assertThat(value("lease", webhook)).isNull();
        receiver.behave(TestReceiver.accepting());
        worker();
        eventually()
                .untilAsserted(() -> assertThat(firstTimes(receiver))
                        .hasSize(200)
                        .allSatisfy((order, those) -> assertThat(those).isEqualTo(versions(5))));
        assertThat(mine(receiver)).as("none twice").hasSize(1_000);
    }

    /**
     * Changes take the lease away, which costs no delivery. Only what is still under way when the worker has waited for
     * it is sent again.
     */
    @Test
    void changesUnderLoadLoseNothing() throws Exception {
        TestReceiver receiver = receiver();
        long webhook = webhook(receiver);
        worker();

        for (int i = 0; i < 10; i++) {
            events(i * 100, 100, 1, 5);
            change(webhook, "");
            Thread.sleep(200);
        }

        eventually()
                .untilAsserted(() -> assertThat(accepted(receiver))
                        .hasSize(1_000)
                        .allSatisfy((order, those) ->
                                assertThat(those.stream().distinct().toList()).isEqualTo(versions(5))));
        assertThat(mine(receiver))
                .hasSizeLessThanOrEqualTo(5_000 + 10 * config.dispatcher().perEndpoint());
    }

    @Test
    void sendsARangeAgain() throws Exception {
        TestReceiver receiver = receiver();
        long webhook = webhook(receiver);
        String start = value("position", webhook);
        worker();
        events(10, 2);
        eventually().untilAsserted(() -> assertAccepted(receiver, 10, 2));
        awaitPosition(webhook);

        change(webhook, ", position = " + start);

        eventually().until(() -> mine(receiver).size() == 40);
        Set<String> ids = mine(receiver).stream().map(Received::id).collect(Collectors.toCollection(HashSet::new));
        assertThat(ids).hasSize(20);
        assertThat(Collections.frequency(
                        mine(receiver).stream().map(Received::id).toList(),
                        ids.iterator().next()))
                .isEqualTo(2);
    }

    @Test
    void sendsATestThatSaysNothing() throws Exception {
        TestReceiver receiver = receiver();
        receiver.behave(TestReceiver.answering(500));
        long webhook = webhook(receiver);
        worker();

        ledger.execute("insert into webhook_retries (endpoint_id, position, subject, subject_id, next_attempt_at) "
                + "values (%d, 0, 'test', 0, clock_timestamp())".formatted(webhook));
        change(webhook, "");

        eventually().until(() -> ledger.count("webhook_attempts where position = 0 and endpoint_id = " + webhook) == 1);
        assertThat(receiver.received())
                .filteredOn(each -> each.type().equals("webhook.test"))
                .singleElement()
                .satisfies(test -> new Webhook(secret.value()).verify(test.body(), test.headers()));
        assertThat(value("failing_since", webhook)).isNull();
        assertThat(ledger.count("webhook_retries where endpoint_id = " + webhook))
                .isZero();
    }
}
