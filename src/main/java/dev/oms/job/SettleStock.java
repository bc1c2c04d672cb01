package dev.oms.job;

import dev.oms.event.EventType;
import dev.oms.event.RecordEvent;
import dev.oms.http.DatabaseFailure;
import dev.oms.http.Statements;
import dev.oms.inventory.LowStock;
import dev.oms.job.Settlement.Line;
import dev.oms.job.Settlement.Movement;
import dev.oms.job.Settlement.Outcome;
import dev.oms.job.Settlement.Stock;
import dev.oms.job.Settlement.WaitingOrder;
import dev.oms.order.OrderStatus;
import dev.oms.order.OrdersChanged;
import dev.oms.order.StockAdjustment;
import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Makes the stock of a batch of orders right, in one transaction. What is due is read from the orders' rows under lock
 * and cleared by the transaction that moves the stock. So an order is settled once, even if its job is delivered twice
 * or to two workers.
 *
 * <p>Plain SQL, one statement per step for a batch of any size: a hot item costs one update per batch, not one per
 * order.
 */
@ApplicationScoped
class SettleStock {
    private static final Logger LOG = Logger.getLogger(SettleStock.class);

    // Locks are always taken orders first, items second, each ascending by id, so there can be no deadlock.
    // Not "due is not null": the planner might then walk the index of all due orders, which is the whole backlog.
    static final String LOCK_ORDERS = """
            select id, status, due, enqueued_at, statement_timestamp() from orders
            where id = any(?) and coalesce(due, '') <> '' order by id for update skip locked""";

    // Of the orders that were not locked, those that are due are held by another transaction. The others may still
    // become due in one; it then sends a job itself.
    private static final String FIND_OTHERS = "select id, due from orders where id = any(?)";

    private static final String READ_LINES = """
            select order_id, inventory_item_id, quantity from order_lines
            where order_id = any(?) order by order_id, inventory_item_id""";

    // Plain "for update" would block the foreign-key checks of orders being placed for the same items.
    private static final String LOCK_ITEMS = """
            select id, name, quantity, threshold from inventory_items
            where id = any(?) order by id for no key update""";

    private static final String LOCK_FREE_ITEMS = LOCK_ITEMS + " skip locked";

    private static final String WRITE_MOVEMENTS = """
            insert into stock_movements (order_id, inventory_item_id, kind, delta, quantity_after, created_at, actor)
            select m.*, ?, ? from unnest(?, ?, ?, ?, ?) m""";

    private static final String WRITE_QUANTITIES = """
            update inventory_items i set quantity = s.quantity, version = version + 1, updated_at = ?
            from unnest(?, ?) s (id, quantity) where i.id = s.id""";

    private static final String WRITE_OUTCOMES = writeOutcomes("null::jsonb");

    /** The same if orders are rejected. Planning its subquery takes as long as a small batch. */
    private static final String WRITE_OUTCOMES_WITH_SHORT = writeOutcomes("""
            case when short_items is not null then jsonb_build_object('short', (
                select jsonb_agg(coalesce(l.item_name, i.name) order by i.id)
                from order_lines l join inventory_items i on i.id = l.inventory_item_id
                where l.order_id = settled.id and i.id = any(short_items))) end""");

    // After the orders that took the items below their thresholds.
    private static final String WRITE_LOW_STOCK =
            """
            %s
            select 'item', i.id, i.version, '%s', ?,
                jsonb_build_object('name', i.name, 'quantity', l.quantity, 'threshold', i.threshold), i.updated_at
            from unnest(?, ?) with ordinality l (id, quantity, n) join inventory_items i on i.id = l.id
            order by l.n""".formatted(RecordEvent.INSERT, EventType.ITEM_LOW_STOCK.wireName());

    private static String writeOutcomes(String detail) {
        return """
            with settled as (
                update orders o set status = s.status, short_items = s.short_items::bigint[], due = null, version = version + 1,
                    updated_at = ?
                from unnest(?, ?, ?, ?) s (id, status, event, short_items) where o.id = s.id
                returning o.id, o.version, s.event, o.short_items, o.updated_at)
            %s
            select 'order', id, version, event, ?, %s, updated_at from settled order by id""".formatted(RecordEvent.INSERT, detail);
    }

    private final AgroalDataSource dataSource;
    private final SettlementMetrics metrics;
    private final JobsWithoutEffect withoutEffect;
    private final Event<OrdersChanged> changed;
    private final Clock clock;
    private final String actor = "worker " + Workers.thisProcess();

    /** Items that were locked when a batch had waited for lock_timeout: batches skip them until they are free. */
    private final Set<Long> heldItems = ConcurrentHashMap.newKeySet();

    SettleStock(
            AgroalDataSource dataSource,
            SettlementMetrics metrics,
            JobsWithoutEffect withoutEffect,
            Event<OrdersChanged> changed,
            Clock clock) {
        this.dataSource = dataSource;
        this.metrics = metrics;
        this.withoutEffect = withoutEffect;
        this.changed = changed;
        this.clock = clock;
    }

    /**
     * The result of a batch.
     *
     * @param settled the number of orders settled
     * @param held the orders that are still due, because another transaction holds their row or that of an item
     */
    record Result(int settled, Set<Long> held) {}

    /** The orders of a batch that are not settled. */
    private static final class Others {
        private final Set<Long> held = new HashSet<>();
        private int unknown;
        private int nothingDue;
    }

    /**
     * Settles these orders. Skips orders that have nothing due or do not exist, and those that another transaction
     * holds. Everything is committed when this method returns, and nothing if it throws.
     */
    Result settle(Collection<Long> orderIds) {
        try {
            return settle(orderIds, false);
        } catch (RuntimeException e) {
            if (DatabaseFailure.of(e) != DatabaseFailure.CONTENTION) {
                throw e;
            }
            // At least one item may be held: settle the orders that do not need it.
            return settle(orderIds, true);
        }
    }

    private Result settle(Collection<Long> orderIds, boolean skipHeldItems) {
        SettlementMetrics.Batch batch = metrics.batch();
        Others others = new Others();
        Settlement settlement = QuarkusTransaction.requiringNew()
                .call(() -> settleInTransaction(orderIds, skipHeldItems, others, batch));
        batch.committed(settlement.outcomes());
        withoutEffect.add(orderIds.size(), others.unknown, others.nothingDue);
        settlement.lowStock().forEach(LowStock::warn);
        if (!settlement.outcomes().isEmpty()) {
            changed.fire(new OrdersChanged(
                    settlement.outcomes().stream().map(Outcome::orderId).toList()));
        }
        return new Result(settlement.outcomes().size(), others.held);
    }

    private Settlement settleInTransaction(
            Collection<Long> orderIds, boolean skipHeldItems, Others others, SettlementMetrics.Batch batch)
            throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            List<WaitingOrder> orders = lockOrders(connection, orderIds, others, batch);
            Map<Long, Stock> stocks = lockItems(connection, orders, skipHeldItems);
            Map<Boolean, List<WaitingOrder>> isReady =
                    orders.stream().collect(Collectors.partitioningBy(order -> areLocked(order.lines(), stocks)));
            isReady.get(false).forEach(order -> others.held.add(order.id()));
            Settlement settlement = Settlement.of(isReady.get(true), stocks);
            write(connection, settlement);
            return settlement;
        }
    }

    private static boolean areLocked(List<Line> lines, Map<Long, Stock> stocks) {
        return lines.stream().allMatch(line -> stocks.containsKey(line.itemId()));
    }

    private static List<WaitingOrder> lockOrders(
            Connection connection, Collection<Long> orderIds, Others others, SettlementMetrics.Batch batch)
            throws SQLException {
        // Ids ascend in the order of placement: first come, first served.
        Map<Long, WaitingOrder> orders = new LinkedHashMap<>();
        try (PreparedStatement statement = Statements.prepare(connection, LOCK_ORDERS, longs(connection, orderIds));
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                if (orders.isEmpty()) {
                    batch.lockedAt(instant(row, 5));
                }
                batch.add(row.getLong(1), instant(row, 4));
                orders.put(
                        row.getLong(1),
                        new WaitingOrder(
                                row.getLong(1),
                                OrderStatus.valueOf(row.getString(2)),
                                StockAdjustment.valueOf(row.getString(3)),
                                new ArrayList<>()));
            }
        }
        if (orders.size() < orderIds.size()) {
            List<Long> ids =
                    orderIds.stream().filter(id -> !orders.containsKey(id)).toList();
            others.unknown = ids.size();
            try (PreparedStatement statement = Statements.prepare(connection, FIND_OTHERS, longs(connection, ids));
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    others.unknown--;
                    if (row.getString(2) == null) {
                        others.nothingDue++;
                    } else {
                        others.held.add(row.getLong(1));
                    }
                }
            }
        }
        if (orders.isEmpty()) {
            return List.of();
        }
        try (PreparedStatement statement =
                        Statements.prepare(connection, READ_LINES, longs(connection, orders.keySet()));
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                orders.get(row.getLong(1)).lines().add(new Line(row.getLong(2), row.getLong(3)));
            }
        }
        return List.copyOf(orders.values());
    }

    /** Returns the items of these orders that could be locked: all, except those held for long. */
    private Map<Long, Stock> lockItems(Connection connection, List<WaitingOrder> orders, boolean skipHeldItems)
            throws SQLException {
        Map<Long, Stock> stocks = new HashMap<>();
        Map<Boolean, List<Long>> items = orders.stream()
                .flatMap(order -> order.lines().stream())
                .map(Line::itemId)
                .distinct()
                .collect(Collectors.partitioningBy(id -> skipHeldItems || heldItems.contains(id)));
        lockItems(connection, LOCK_ITEMS, items.get(false), stocks);
        // Last, and without waiting, so that the order of the locks does not matter.
        lockItems(connection, LOCK_FREE_ITEMS, items.get(true), stocks);
        for (Long itemId : items.get(true)) {
            if (stocks.containsKey(itemId)) {
                heldItems.remove(itemId);
            } else if (heldItems.add(itemId)) {
                LOG.warnf("Item %d is locked by another transaction: its orders wait", itemId);
            }
        }
        return stocks;
    }

    private static void lockItems(Connection connection, String sql, List<Long> itemIds, Map<Long, Stock> stocks)
            throws SQLException {
        if (itemIds.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = Statements.prepare(connection, sql, longs(connection, itemIds));
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                stocks.put(row.getLong(1), new Stock(row.getLong(1), row.getString(2), row.getLong(3), row.getLong(4)));
            }
        }
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }

    private void write(Connection connection, Settlement settlement) throws SQLException {
        OffsetDateTime now = clock.instant().atOffset(ZoneOffset.UTC);
        List<Movement> movements = settlement.movements();
        if (!movements.isEmpty()) {
            execute(
                    connection,
                    WRITE_MOVEMENTS,
                    now,
                    actor,
                    longs(connection, movements, Movement::orderId),
                    longs(connection, movements, Movement::itemId),
                    texts(connection, movements, movement -> movement.kind().name()),
                    longs(connection, movements, Movement::delta),
                    longs(connection, movements, Movement::quantityAfter));
            Collection<Map.Entry<Long, Long>> quantities =
                    settlement.quantities().entrySet();
            execute(
                    connection,
                    WRITE_QUANTITIES,
                    now,
                    longs(connection, quantities, Map.Entry::getKey),
                    longs(connection, quantities, Map.Entry::getValue));
        }
        List<Outcome> outcomes = settlement.outcomes();
        if (!outcomes.isEmpty()) {
            boolean isAnyShort = outcomes.stream().anyMatch(outcome -> outcome.shortItems() != null);
            execute(
                    connection,
                    isAnyShort ? WRITE_OUTCOMES_WITH_SHORT : WRITE_OUTCOMES,
                    now,
                    longs(connection, outcomes, Outcome::orderId),
                    texts(connection, outcomes, outcome -> outcome.status().name()),
                    texts(connection, outcomes, outcome -> outcome.event().wireName()),
                    texts(connection, outcomes, SettleStock::shortItems),
                    actor);
        }
        List<LowStock> lowStock = settlement.lowStock();
        if (!lowStock.isEmpty()) {
            execute(
                    connection,
                    WRITE_LOW_STOCK,
                    actor,
                    longs(connection, lowStock, LowStock::itemId),
                    longs(connection, lowStock, LowStock::quantity));
        }
    }

    /** As an array in an array of texts: PostgreSQL has no arrays of arrays of different lengths. */
    private static String shortItems(Outcome outcome) {
        return outcome.shortItems() == null
                ? null
                : outcome.shortItems().stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
    }

    private static void execute(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, sql, parameters)) {
            statement.executeUpdate();
        }
    }

    private static Array longs(Connection connection, Collection<Long> from) throws SQLException {
        return longs(connection, from, value -> value);
    }

    // A typed array, which the driver sends in binary.
    private static <T> Array longs(Connection connection, Collection<T> from, Function<T, Long> value)
            throws SQLException {
        return connection.createArrayOf("bigint", from.stream().map(value).toArray(Long[]::new));
    }

    private static <T> Array texts(Connection connection, Collection<T> from, Function<T, String> value)
            throws SQLException {
        return connection.createArrayOf("text", from.stream().map(value).toArray(String[]::new));
    }
}
