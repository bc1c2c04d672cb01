package dev.oms.order;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.http.Actor;
import dev.oms.http.DatabaseFailure;
import dev.oms.http.IdempotencyKey;
import dev.oms.http.ProblemException;
import io.agroal.api.AgroalDataSource;
import io.quarkus.agroal.DataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Orders that share a transaction, each with its own outcome. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class PlaceOrderTest {
    private static final long UNKNOWN_USER = 987_654_321_000L;

    @Inject
    PlaceOrder placeOrder;

    @Inject
    InsertOrders insertOrders;

    @Inject
    @DataSource("placing")
    AgroalDataSource dataSource;

    @Inject
    PlaceOnce placeOnce;

    @Inject
    IdempotencyKeys keys;

    private final Ledger ledger = OmsServers.ledger();
    private long user;
    private String burger;
    private String fries;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        burger = Shop.uniqueName();
        fries = Shop.uniqueName();
        Shop.item(burger, 10, 0);
        Shop.item(fries, 10, 0);
    }

    @Test
    void aBadOrderDoesNotFailItsNeighbours() {
        Placement first = new Placement(user, Map.of(burger, 2L, fries, 1L), Actor.API, null);
        Placement unknownItem = new Placement(user, Map.of(burger, 1L, "no such thing", 1L), Actor.API, null);
        Placement unknownUser = new Placement(UNKNOWN_USER, Map.of(burger, 1L), Actor.API, null);
        Placement impossibleName = new Placement(user, Map.of("a\0b", 1L), Actor.API, null);
        Placement last = new Placement(user, Map.of(fries, 3L), Actor.API, null);

        insertOrders.insertTogether(List.of(first, unknownItem, unknownUser, impossibleName, last));

        assertThat(linesOf(first)).containsExactlyInAnyOrder(burger + "=2", fries + "=1");
        assertThat(linesOf(last)).containsExactly(fries + "=3");
        assertRefused(unknownItem, "items.no such thing");
        assertRefused(impossibleName, "items.a\0b");
        assertThatThrownBy(unknownUser::outcome)
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("no user " + UNKNOWN_USER);
        assertThat(ledger.count("orders where user_id = " + user)).isEqualTo(2);
        assertThat(ledger.texts("select distinct xmin::text from orders where user_id = " + user))
                .hasSize(1);
    }

    @Test
    void anItemDeletedMeanwhileFailsOnlyOrdersForIt() throws Exception {
        String toast = Shop.uniqueName();
        long doomed = Shop.item(toast, 10, 0);
        try (Held deleting = new Held("delete from inventory_items where id = " + doomed)) {
            Future<OrderView> unlucky = deleting.place(Map.of(toast, 1L));
            Placement neighbour = new Placement(user, Map.of(burger, 1L), Actor.API, null);
            insertOrders.insertTogether(List.of(neighbour, new Placement(user, Map.of(toast, 1L), Actor.API, null)));
            assertThat(linesOf(neighbour)).containsExactly(burger + "=1");
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") > 0);
            deleting.commit();

            assertThatThrownBy(unlucky::get)
                    .cause()
                    .isInstanceOfSatisfying(
                            ProblemException.class,
                            e -> assertThat(e.problem().errors())
                                    .singleElement()
                                    .satisfies(
                                            error -> assertThat(error.field()).isEqualTo("items." + toast)));
        }

        assertThat(ledger.count("orders where user_id = " + user)).isOne();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "select from users where id = %1$d for update",
                "select from inventory_items where name = '%2$s' for update",
                "select pg_advisory_xact_lock(%3$d, %4$d)"
            })
    void anOrderForWhatSomebodyHoldsWaitsAlone(String hold) throws Exception {
        long other = Shop.user();
        IdempotencyKey key = new IdempotencyKey("k");
        try (Held held =
                new Held(hold.formatted(user, burger, IdempotencyKeys.LOCK_CLASS, IdempotencyKeys.lockOf(user, key)))) {
            Placement blocked = new Placement(user, Map.of(burger, 1L), Actor.API, key);
            Placement free = new Placement(other, Map.of(fries, 1L), Actor.API, null);

            insertOrders.insertTogether(List.of(blocked, free));

            assertThat(linesOf(free)).containsExactly(fries + "=1");
            assertThat(blocked.outcome()).isInstanceOf(Placement.Outcome.Skipped.class);
            Future<OrderView> waiting = held.place(Map.of(burger, 2L), key);
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") > 0);
            assertThat(placeOrder.place(other, Map.of(fries, 1L), Actor.API, null))
                    .isPresent();
            assertThat(waiting.isDone()).isFalse();
            held.commit();
            assertThat(waiting.get().items()).containsEntry(burger, 2L);
        }
    }

    /**
     * Four orders for what is held wait alone, and keep their turns for lock_timeout (5 s). On a slow machine the other
     * order may come too late for that.
     */
    @Test
    void anOrderDoesNotWaitBehindThoseForWhatIsStillHeld() {
        await().atMost(Duration.ofSeconds(120)).until(this::placesWhileOthersWaitAlone);
    }

    private boolean placesWhileOthersWaitAlone() throws Exception {
        long other = Shop.user();
        try (Held heldUser = new Held("select from users where id = " + user + " for update");
                Held heldItem = new Held("select from inventory_items where name = '%s' for update".formatted(fries))) {
            for (int i = 0; i < 8; i++) {
                heldUser.place(Map.of(burger, 1L));
            }
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") >= 4);
            Future<OrderView> order = heldUser.executor.submit(() ->
                    placeOrder.place(other, Map.of(fries, 1L), Actor.API, null).orElseThrow());
            // By then a group has skipped it. If not, it is placed all the same.
            Thread.sleep(Duration.ofMillis(500));
            heldItem.commit();

            assertThat(order.get().items()).containsEntry(fries, 1L);
            boolean allWaited = heldUser.refusals.get() == 0;
            heldUser.commit();
            return allWaited;
        }
    }

    /** Orders for one row, or with one key, that somebody holds must not take all the calls of a process. */
    @ParameterizedTest
    @ValueSource(strings = {"row", "key"})
    void refusesAtOnceWhenHundredsWaitForWhatIsHeld(String held) throws Exception {
        try (Held user = new Held("select from users where id = %d for update".formatted(this.user))) {
            AtomicInteger refused = new AtomicInteger();
            for (int i = 0; i < 300; i++) {
                IdempotencyKey key = new IdempotencyKey(held.equals("key") ? "k" : "k" + i);
                user.executor.submit(() -> {
                    try {
                        return placeOnce.place(this.user, Map.of(burger, 1L), Actor.API, key);
                    } catch (ProblemException e) {
                        refused.incrementAndGet();
                        throw e;
                    }
                });
            }

            // Now: later those that wait give up, too.
            int refusedAtOnce = await().until(refused::get, count -> count >= 99);

            assertThat(refusedAtOnce).isLessThanOrEqualTo(100);
            assertThat(ledger.count("pg_stat_activity where wait_event_type = 'Lock'"))
                    .isPositive();
            user.commit();
        }
    }

    @Test
    void onlyDataAtFaultIsPlacedAlone() {
        ledger.execute("alter table order_lines add constraint poison check (quantity <> 13)");
        try {
            Placement poison = new Placement(user, Map.of(burger, 13L), Actor.API, null);
            Placement neighbour = new Placement(user, Map.of(burger, 1L), Actor.API, null);

            insertOrders.insertTogether(List.of(poison, neighbour));

            assertThat(poison.outcome()).isInstanceOf(Placement.Outcome.Skipped.class);
            assertThat(neighbour.outcome()).isInstanceOf(Placement.Outcome.Skipped.class);
            assertThatThrownBy(() -> placeOrder.place(user, Map.of(burger, 13L), Actor.API, null))
                    .satisfies(e -> assertThat(DatabaseFailure.of(e)).isEqualTo(DatabaseFailure.DATA));
        } finally {
            ledger.execute("alter table order_lines drop constraint poison");
        }
        assertThat(ledger.count("orders where user_id = " + user)).isZero();
    }

    @Test
    void contentionFailsTheWholeGroupAtOnce() throws Exception {
        try (Held held = new Held("lock table orders in access exclusive mode")) {
            Placement first = new Placement(user, Map.of(burger, 1L), Actor.API, null);
            Placement second = new Placement(user, Map.of(fries, 1L), Actor.API, null);
            long started = System.nanoTime();

            insertOrders.insertTogether(List.of(first, second));

            // lock_timeout is 5 s: once for the group, not once for each order and the group.
            assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(9));
            for (Placement each : List.of(first, second)) {
                assertThatThrownBy(each::outcome)
                        .satisfies(e -> assertThat(DatabaseFailure.of(e)).isEqualTo(DatabaseFailure.CONTENTION));
            }
            assertThat(held.isOpen()).isTrue();
        }
    }

    @Test
    void keyedOrdersTakePartInTheGroup() {
        IdempotencyKey key = new IdempotencyKey("k");
        Placement keyed = new Placement(user, Map.of(burger, 2L), Actor.API, key);
        Placement unkeyed = new Placement(user, Map.of(fries, 1L), Actor.API, null);
        insertOrders.insertTogether(List.of(keyed, unkeyed));
        Placement again = new Placement(user, Map.of(burger, 2L), Actor.API, key);
        Placement neighbour = new Placement(user, Map.of(fries, 1L), Actor.API, new IdempotencyKey("another"));

        insertOrders.insertTogether(List.of(again, neighbour));

        assertThat(linesOf(keyed)).containsExactly(burger + "=2");
        assertThat(linesOf(unkeyed)).containsExactly(fries + "=1");
        assertThat(again.outcome()).isInstanceOf(Placement.Outcome.KeyUsed.class);
        assertThat(linesOf(neighbour)).containsExactly(fries + "=1");
        assertThat(ledger.texts("select order_id from idempotency_keys where key = 'k' and user_id = " + user))
                .containsExactly(Long.toString(placed(keyed).id()));
        assertThat(ledger.count("orders where user_id = " + user)).isEqualTo(3);
    }

    /** No lock tells of this key: only its row does, which the statement cannot see yet. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aKeyThatIsStoredMeanwhilePlacesNothing(boolean expired) throws Exception {
        long earlier = placeOrder
                .place(user, Map.of(burger, 1L), Actor.API, null)
                .orElseThrow()
                .id();
        try (Held held = new Held("insert into idempotency_keys values (%d, 'k', '', %d, now() - interval '%d days')"
                .formatted(user, earlier, expired ? 2 : 0))) {
            Future<Optional<OrderView>> waiting = held.executor.submit(
                    () -> placeOrder.place(user, Map.of(burger, 1L), Actor.API, new IdempotencyKey("k")));
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") > 0);
            held.commit();

            assertThat(waiting.get().isPresent()).isEqualTo(expired);
        }
        assertThat(ledger.count("orders where user_id = " + user)).isEqualTo(expired ? 2 : 1);
        assertThat(ledger.count("idempotency_keys where user_id = " + user)).isOne();
    }

    /** The first attempt is skipped, so only the second, alone, finds the key. */
    @Test
    void anOrderThatWaitsIsPlacedThoughItsKeyHasExpired() throws Exception {
        IdempotencyKey key = new IdempotencyKey("k");
        long earlier = placeOrder
                .place(user, Map.of(burger, 1L), Actor.API, null)
                .orElseThrow()
                .id();
        ledger.execute("insert into idempotency_keys values (%d, 'k', '', %d, now() - interval '2 days')"
                .formatted(user, earlier));
        try (Held held = new Held("select pg_advisory_xact_lock(%d, %d)"
                .formatted(IdempotencyKeys.LOCK_CLASS, IdempotencyKeys.lockOf(user, key)))) {
            Future<Optional<OrderView>> waiting =
                    held.executor.submit(() -> placeOrder.place(user, Map.of(burger, 1L), Actor.API, key));
            await().until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") > 0);
            held.commit();

            assertThat(waiting.get()).isPresent();
        }
    }

    @Test
    void postgresStampsWhenStockIsDue() {
        Placement placement = new Placement(user, Map.of(burger, 1L), Actor.API, null);

        insertOrders.insertTogether(List.of(placement));

        assertThat(ledger.count("orders where enqueued_at <> created_at and id = "
                        + placed(placement).id()))
                .isOne();
    }

    @Test
    void aFailureAfterTheStatementIsInDoubtAndNotRetried() {
        InsertOrders failing =
                new InsertOrders(failingToReadRows(AgroalDataSource.class, dataSource), keys, Clock.systemUTC());
        Placement first = new Placement(user, Map.of(burger, 1L), Actor.API, null);
        Placement second = new Placement(user, Map.of(fries, 1L), Actor.API, null);

        failing.insertTogether(List.of(first, second));

        for (Placement each : List.of(first, second)) {
            assertThatThrownBy(each::outcome)
                    .satisfies(e -> assertThat(DatabaseFailure.of(e)).isEqualTo(DatabaseFailure.IN_DOUBT));
        }
        assertThat(ledger.count("orders where user_id = " + user)).isEqualTo(2);
    }

    @Test
    void anObserverThatFailsDoesNotFailThePlacedOrder() {
        FailingObserver.failing = true;
        try {
            assertThat(Shop.order(user, Map.of(burger, 1))).isPositive();
        } finally {
            FailingObserver.failing = false;
        }
        assertThat(ledger.count("orders where user_id = " + user)).isOne();
    }

    /** An observer that fails when a test tells it to. */
    @Singleton
    static class FailingObserver {
        static volatile boolean failing;

        void observe(@Observes StockDue due) {
            if (failing) {
                throw new IllegalStateException("a bug in an observer");
            }
        }
    }

    /** Passes everything on to the real driver, but no row can be read. */
    private static <T> T failingToReadRows(Class<T> type, T target) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    if (method.getName().equals("next")) {
                        throw new SQLException("the row cannot be read", "22000");
                    }
                    try {
                        Object result = method.invoke(target, arguments);
                        return switch (result) {
                            case Connection each
                            when !(target instanceof PreparedStatement) -> failingToReadRows(Connection.class, each);
                            case PreparedStatement each -> failingToReadRows(PreparedStatement.class, each);
                            case ResultSet each -> failingToReadRows(ResultSet.class, each);
                            case null, default -> result;
                        };
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    /** A transaction that holds what its statement has locked, until it commits. */
    private final class Held implements AutoCloseable {
        private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
        private final AtomicInteger refusals = new AtomicInteger();
        private final Connection connection = ledger.connect();

        Held(String sql) throws SQLException {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        }

        Future<OrderView> place(Map<String, Long> quantities) {
            return place(quantities, null);
        }

        /** Places an order as soon as nobody holds what it needs, however long that takes. */
        Future<OrderView> place(Map<String, Long> quantities, IdempotencyKey key) {
            return executor.submit(() -> {
                while (true) {
                    try {
                        return placeOrder
                                .place(user, quantities, Actor.API, key)
                                .orElseThrow();
                    } catch (RuntimeException e) {
                        if (!isHeld(e)) {
                            throw e;
                        }
                        refusals.incrementAndGet();
                    }
                }
            });
        }

        boolean isOpen() throws SQLException {
            return !connection.isClosed();
        }

        void commit() throws SQLException {
            connection.commit();
        }

        @Override
        public void close() throws SQLException {
            connection.close();
            executor.close();
        }
    }

    private static boolean isHeld(RuntimeException e) {
        return e instanceof ProblemException problem
                ? problem.problem().status() == 503
                : DatabaseFailure.of(e) == DatabaseFailure.CONTENTION;
    }

    private static OrderView placed(Placement placement) {
        return ((Placement.Outcome.Placed) placement.outcome()).order();
    }

    private List<String> linesOf(Placement placement) {
        return ledger.texts("""
                select i.name || '=' || l.quantity from order_lines l join inventory_items i on i.id = l.inventory_item_id
                where l.order_id = %d""".formatted(placed(placement).id()));
    }

    private static void assertRefused(Placement placement, String field) {
        assertThatThrownBy(placement::outcome)
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().errors())
                                .singleElement()
                                .satisfies(error -> assertThat(error.field()).isEqualTo(field)));
    }
}
