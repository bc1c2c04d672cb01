package dev.oms.audit;

import dev.oms.audit.Audits.Lease;
import dev.oms.audit.Audits.LostLeaseException;
import dev.oms.http.Statements;
import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Compares every item with its ledger, and orders with their movements, range by range. Each range is one short
 * transaction, and each comparison one statement, so that what is settled during the audit is not reported.
 *
 * <ul>
 *   <li>A full audit reads everything.
 *   <li>An incremental audit continues one that found nothing: it compares every item, but reads only the movements
 *       since the item's checkpoint, their orders, and the orders placed since.
 * </ul>
 *
 * <p>Movements are written under their item's lock, so within an item their ids are in the order of their commits, and
 * a checkpoint misses none. Order ids are not: an incremental audit reads the latest orders again.
 */
@ApplicationScoped
class Audit {
    /** Items per transaction, and movements of each. Longer ledgers are continued one by one. */
    private static final int ITEMS = 100;

    private static final int MOVEMENTS = 200;

    /** Movements per transaction where the ledger of one item is continued. */
    private static final int LEDGER_PAGE = ITEMS * MOVEMENTS;

    /** Checkpoints deleted per transaction. */
    private static final int CHECKPOINTS = 10_000;

    /** Orders per transaction. */
    private static final int ORDERS = 10_000;

    /**
     * The latest orders that the next incremental audit reads again: far more than are placed while the longest
     * transaction that places an order lasts, which is about a minute.
     */
    static final long ORDERS_READ_AGAIN = 500_000;

    /**
     * Compares some items with the next movements of their ledgers, and moves their checkpoints. Finds:
     *
     * <ul>
     *   <li>QUANTITY: an item's quantity is not the sum of its movements.
     *   <li>QUANTITY_AFTER: a movement's {@code quantity_after} is not the sum of its item's movements so far.
     * </ul>
     *
     * Also returns: UNFINISHED, an item whose ledger goes on; MOVED, an order of one of these movements; LAST, the last
     * item.
     */
    private static final String COMPARE_ITEMS = """
            with item as materialized (
                select i.id, i.quantity, coalesce(c.movement_id, ?) movement_id, coalesce(c.total, 0) total
                from inventory_items i left join audit_checkpoints c on c.inventory_item_id = i.id
                where i.id > ? order by i.id limit ?),
            movement as materialized (
                select m.inventory_item_id, m.id, m.order_id, m.delta, m.quantity_after,
                    i.total + sum(m.delta) over (partition by i.id order by m.id) total
                from item i cross join lateral (
                    select * from stock_movements where inventory_item_id = i.id and id > i.movement_id
                    order by id limit ?) m),
            ledger as materialized (
                select i.id, i.quantity, max(m.id) movement_id, count(m.id) movements, i.total + coalesce(sum(m.delta), 0) total
                from item i left join movement m on m.inventory_item_id = i.id
                group by i.id, i.quantity, i.total),
            checkpoint as (
                insert into audit_checkpoints (inventory_item_id, movement_id, total)
                select id, movement_id, total from ledger where movements > 0
                on conflict (inventory_item_id) do update set movement_id = excluded.movement_id, total = excluded.total)
            select 'QUANTITY', id, null::bigint, format('has %s, but its ledger adds up to %s', quantity, total)
                from ledger where movements < ? and quantity <> total
            union all
            select 'QUANTITY_AFTER', inventory_item_id, order_id,
                format('movement %s has quantity_after %s, but the ledger adds up to %s', id, quantity_after, total)
                from movement where quantity_after <> total
            union all select 'UNFINISHED', id, null, null from ledger where movements = ?
            union all select distinct 'MOVED', null::bigint, order_id, null from movement where order_id <= ?
            union all select 'LAST', max(id), null, null from item having count(*) > 0""";

    private static final String FORGET_CHECKPOINTS = """
            with page as materialized (
                select inventory_item_id from audit_checkpoints where inventory_item_id > ?
                order by inventory_item_id limit ?),
            deleted as (
                delete from audit_checkpoints where inventory_item_id in (select inventory_item_id from page))
            select max(inventory_item_id) from page""";

    private static final String NEXT_ORDERS =
            "select max(id), count(*) from (select id from orders where id > ? order by id limit ?) page";

    /** A range includes the ids of orders that do not exist, which a movement may name nevertheless. */
    private static final String COMPARE_ORDER_RANGE = compareOrders("%1$s > ? and %1$s <= ?");

    private static final String COMPARE_ORDERS = compareOrders("%s = any(?)");

    /**
     * Compares orders. Finds:
     *
     * <ul>
     *   <li>DUE: what is due contradicts the order's status.
     *   <li>ORDER: a line's stock did not move as the order's status requires: not at all, out, or out and back. For a
     *       cancelled order, out alone is right if the last event of the order is that its restoration was given up.
     *   <li>STRAY: a movement of an order belongs to none of its lines.
     * </ul>
     *
     * @param which the condition for a column with an order's id, for three tables
     */
    private static String compareOrders(String which) {
        return """
            with o as materialized (select id, status, due, version from orders where %s),
            line as materialized (select order_id, inventory_item_id, quantity from order_lines where %s),
            movement as materialized (select id, order_id, inventory_item_id, delta from stock_movements where %2$s),
            moved as materialized (
                select order_id, inventory_item_id, count(*) movements, sum(delta) delta
                from movement group by order_id, inventory_item_id)
            select 'DUE', null::bigint, id, format('is %%s with %%s due', status, coalesce(due, 'nothing')) from o
            where case status
                when 'Pending' then due is distinct from 'DEDUCTION'
                when 'Received' then due is distinct from 'DEDUCTION'
                when 'Cancelled' then due = 'DEDUCTION'
                else due is not null end
            union all
            select 'ORDER', l.inventory_item_id, o.id,
                format('is %%s, but its line of %%s moved by %%s (movements: %%s)',
                    o.status, l.quantity, coalesce(m.delta, 0), coalesce(m.movements, 0))
            from o join line l on l.order_id = o.id
            left join moved m on m.order_id = o.id and m.inventory_item_id = l.inventory_item_id
            where case
                when o.status in ('Pending', 'Received', 'Rejected') then m.movements is not null
                when o.status in ('Confirmed', 'OutForDelivery', 'Delivered') or o.due = 'RESTORATION'
                    then m.movements is distinct from 1 or m.delta <> -l.quantity
                when m.movements = 1 then m.delta <> -l.quantity or not exists (
                    select 1 from events e
                    where e.subject = 'order' and e.subject_id = o.id and e.version = o.version
                        and e.type = 'order.abandoned')
                else m.movements <> 2 or m.delta <> 0 end
            union all
            select 'STRAY', m.inventory_item_id, m.order_id, format('movement %%s belongs to no line of the order', m.id)
            from movement m left join line l
                on l.order_id = m.order_id and l.inventory_item_id = m.inventory_item_id
            where l.order_id is null""".formatted(which.formatted("id"), which.formatted("order_id"));
    }

    private final AgroalDataSource dataSource;
    private final Audits audits;
    private volatile boolean stopping;

    Audit(AgroalDataSource dataSource, Audits audits) {
        this.dataSource = dataSource;
        this.audits = audits;
    }

    /** The discrepancies of an audit: all are counted, the first 1,000 are kept. */
    static final class Findings {
        private static final int KEPT = 1_000;

        private final List<Discrepancy> first = new ArrayList<>();
        private long count;

        private void add(Discrepancy discrepancy) {
            count++;
            if (first.size() < KEPT) {
                first.add(discrepancy);
            }
        }

        List<Discrepancy> first() {
            return first;
        }

        long count() {
            return count;
        }
    }

    /**
     * What a run found.
     *
     * @param lastOrderId the last order that it read
     */
    record Outcome(Findings findings, long lastOrderId) {}

    /** A page of items that were compared: the last of them or null, and those whose ledger goes on. */
    private record ItemRange(Long last, List<Long> unfinished) {}

    /** A page of orders that were compared: the last of them, and whether it is the last page. */
    private record OrderRange(long last, boolean isLast) {}

    /** The work of one range, in its transaction and after the lease is renewed. */
    private interface Range<T> {
        T compare(Connection connection) throws SQLException;
    }

    /** The process is being shut down. */
    static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /**
     * Runs an audit.
     *
     * @throws LostLeaseException when another worker has taken the audit over
     * @throws StoppedException after {@link #stop}
     */
    Outcome run(Lease lease) {
        Findings findings = new Findings();
        if (lease.isFull()) {
            Long checkpoint = Long.MIN_VALUE;
            while (checkpoint != null) {
                long after = checkpoint;
                checkpoint = inTransaction(lease, connection -> forgetCheckpoints(connection, after));
            }
        }
        Long item = Long.MIN_VALUE;
        while (item != null) {
            ItemRange range = compareItems(lease, item, ITEMS, MOVEMENTS, findings);
            for (long unfinished : range.unfinished()) {
                finishLedger(lease, unfinished, findings);
            }
            item = range.last();
        }
        OrderRange orders = new OrderRange(lease.afterOrderId(), false);
        while (!orders.isLast()) {
            long after = orders.last();
            orders = inTransaction(lease, connection -> compareNextOrders(connection, after, findings));
        }
        return new Outcome(findings, orders.last());
    }

    /** Returns the last item of the page, or null if there is none. */
    private static Long forgetCheckpoints(Connection connection, long after) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, FORGET_CHECKPOINTS, after, CHECKPOINTS);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getObject(1, Long.class);
        }
    }

    private void finishLedger(Lease lease, long item, Findings findings) {
        boolean isUnfinished = true;
        while (isUnfinished) {
            isUnfinished = compareItems(lease, item - 1, 1, LEDGER_PAGE, findings)
                    .unfinished()
                    .contains(item);
        }
    }

    /** Ends the run that is under way, and any later one, after its current range. */
    void stop() {
        stopping = true;
    }

    boolean isStopping() {
        return stopping;
    }

    private <T> T inTransaction(Lease lease, Range<T> range) {
        if (stopping) {
            throw new StoppedException();
        }
        return QuarkusTransaction.requiringNew().call(() -> {
            try (Connection connection = dataSource.getConnection()) {
                // First, so that a worker that has lost its lease writes no checkpoint.
                audits.renew(connection, lease);
                return range.compare(connection);
            }
        });
    }

    private ItemRange compareItems(Lease lease, long after, int items, int movements, Findings findings) {
        return inTransaction(lease, connection -> {
            Long last = null;
            List<Long> unfinished = new ArrayList<>();
            List<Long> moved = new ArrayList<>();
            try (Statement local = connection.createStatement()) {
                // A bitmap scan would read a whole ledger to return its next page.
                local.execute("set local enable_bitmapscan = off");
            }
            try (PreparedStatement statement = Statements.prepare(
                            connection,
                            COMPARE_ITEMS,
                            Long.MIN_VALUE,
                            after,
                            items,
                            movements,
                            movements,
                            movements,
                            lease.afterOrderId());
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    switch (row.getString(1)) {
                        case "UNFINISHED" -> unfinished.add(row.getLong(2));
                        case "MOVED" -> moved.add(row.getLong(3));
                        case "LAST" -> last = row.getLong(2);
                        default -> findings.add(discrepancy(row));
                    }
                }
            }
            if (!moved.isEmpty()) {
                Array orders = connection.createArrayOf("bigint", moved.toArray(Long[]::new));
                compareOrders(connection, findings, COMPARE_ORDERS, orders, orders, orders);
            }
            return new ItemRange(last, unfinished);
        });
    }

    private static OrderRange compareNextOrders(Connection connection, long after, Findings findings)
            throws SQLException {
        OrderRange range;
        try (PreparedStatement statement = Statements.prepare(connection, NEXT_ORDERS, after, ORDERS);
                ResultSet row = statement.executeQuery()) {
            row.next();
            int orders = row.getInt(2);
            range = new OrderRange(orders == 0 ? after : row.getLong(1), orders < ORDERS);
        }
        long to = range.isLast() ? Long.MAX_VALUE : range.last();
        compareOrders(connection, findings, COMPARE_ORDER_RANGE, after, to, after, to, after, to);
        return range;
    }

    /** @param parameters those of the condition, once for each of its three tables */
    private static void compareOrders(Connection connection, Findings findings, String sql, Object... parameters)
            throws SQLException {
        try (Statement local = connection.createStatement()) {
            // Without statistics, which a new database lacks, the planner would expect few rows and loop over them.
            local.execute("set local enable_nestloop = off");
        }
        try (PreparedStatement statement = Statements.prepare(connection, sql, parameters);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                findings.add(discrepancy(row));
            }
        }
    }

    private static Discrepancy discrepancy(ResultSet row) throws SQLException {
        return new Discrepancy(
                row.getString(1), row.getObject(2, Long.class), row.getObject(3, Long.class), row.getString(4));
    }
}
