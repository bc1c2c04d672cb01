package dev.oms.audit;

import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Compares every item with its ledger, and every order with its movements. Each check is one statement, so that an
 * order settled during the audit is not reported. Discrepancies are streamed, so their number is not limited by memory.
 */
@ApplicationScoped
public class Audit {
    private static final Duration TIMEOUT = Duration.ofHours(6);
    private static final int FETCH_ROWS = 1_000;

    /** A check is a statement that selects the item, the order and the detail of each discrepancy. */
    private enum Check {
        /** An item's quantity is the sum of its movements. */
        QUANTITY("""
                select i.id, null::bigint, format('has %s, but its ledger adds up to %s', i.quantity, coalesce(m.total, 0))
                from inventory_items i left join (
                    select inventory_item_id, sum(delta) total from stock_movements group by inventory_item_id) m
                    on m.inventory_item_id = i.id
                where i.quantity <> coalesce(m.total, 0)"""),
        /** Every movement's {@code quantity_after} is the sum of its item's movements so far. */
        QUANTITY_AFTER("""
                select inventory_item_id, order_id,
                    format('movement %s says %s, but the ledger adds up to %s', id, quantity_after, total)
                from (
                    select *, sum(delta) over (partition by inventory_item_id order by id) total from stock_movements) m
                where quantity_after <> total"""),
        /** What is due agrees with the order's status. */
        DUE("""
                select null::bigint, id, format('is %s with %s due', status, coalesce(due, 'nothing')) from orders
                where case status
                    when 'Pending' then due is distinct from 'DEDUCTION'
                    when 'Received' then due is distinct from 'DEDUCTION'
                    when 'Cancelled' then due = 'DEDUCTION'
                    else due is not null end"""),
        /** Every line's stock moved as the order's status requires: not at all, out, or out and back. */
        ORDER("""
                select l.inventory_item_id, o.id,
                    format('is %s, but its line of %s moved by %s (movements: %s)',
                        o.status, l.quantity, coalesce(sum(m.delta), 0), count(m.id))
                from orders o join order_lines l on l.order_id = o.id
                left join stock_movements m on m.order_id = o.id and m.inventory_item_id = l.inventory_item_id
                group by o.id, l.order_id, l.inventory_item_id
                having case
                    when o.status in ('Pending', 'Received', 'Rejected') then count(m.id) <> 0
                    when o.status in ('Confirmed', 'OutForDelivery', 'Delivered') or o.due = 'RESTORATION'
                        then count(m.id) <> 1 or sum(m.delta) <> -l.quantity
                    else count(m.id) not in (0, 2) or sum(m.delta) <> 0 end"""),
        /** Every movement of an order belongs to one of its lines. */
        STRAY("""
                select m.inventory_item_id, m.order_id, format('movement %s belongs to no line of the order', m.id)
                from stock_movements m left join order_lines l
                    on l.order_id = m.order_id and l.inventory_item_id = m.inventory_item_id
                where m.order_id is not null and l.order_id is null""");

        private final String sql;

        Check(String sql) {
            this.sql = sql;
        }
    }

    /**
     * Something that does not add up.
     *
     * @param kind the name of the check that found it
     * @param inventoryItemId the item concerned, or null
     * @param orderId the order concerned, or null
     */
    @RegisterForReflection
    public record Discrepancy(String kind, Long inventoryItemId, Long orderId, String detail) {}

    private final AgroalDataSource dataSource;

    Audit(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    /**
     * Runs all checks, in one transaction of at most 6 hours.
     *
     * @param onDiscrepancy receives each discrepancy as it is found
     * @return the number of discrepancies
     */
    public long run(Consumer<Discrepancy> onDiscrepancy) {
        return QuarkusTransaction.requiringNew()
                .timeout((int) TIMEOUT.toSeconds())
                .call(() -> compare(onDiscrepancy));
    }

    private long compare(Consumer<Discrepancy> onDiscrepancy) throws SQLException {
        long discrepancies = 0;
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            // The audit reads every row, which may take longer than the limit for ordinary statements.
            statement.execute("set local statement_timeout = 0");
            // Without a fetch size the driver would load all rows into memory.
            statement.setFetchSize(FETCH_ROWS);
            for (Check check : Check.values()) {
                try (ResultSet row = statement.executeQuery(check.sql)) {
                    while (row.next()) {
                        onDiscrepancy.accept(new Discrepancy(
                                check.name(),
                                row.getObject(1, Long.class),
                                row.getObject(2, Long.class),
                                row.getString(3)));
                        discrepancies++;
                    }
                }
            }
        }
        return discrepancies;
    }
}
