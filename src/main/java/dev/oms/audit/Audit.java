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
 * Compares every item with its ledger, and every order with its movements. Each comparison is one statement, so that
 * what is settled meanwhile cannot look wrong; the rows that are wrong are streamed, so that there may be any number.
 */
@ApplicationScoped
public class Audit {
    private static final Duration TIMEOUT = Duration.ofHours(6);
    private static final int FETCH_ROWS = 1_000;

    /** What is compared; a statement gives the item, the order and the detail of each discrepancy. */
    private enum Check {
        /** An item's quantity is the sum of its movements. */
        QUANTITY("""
                select i.id, null::bigint, format('has %s, its ledger %s', i.quantity, coalesce(m.total, 0))
                from inventory_items i left join (
                    select inventory_item_id, sum(delta) total from stock_movements group by inventory_item_id) m
                    on m.inventory_item_id = i.id
                where i.quantity <> coalesce(m.total, 0)"""),
        /** Every movement says what there was after it. */
        QUANTITY_AFTER("""
                select inventory_item_id, order_id, format('movement %s says %s, the ledger %s', id, quantity_after, total)
                from (
                    select *, sum(delta) over (partition by inventory_item_id order by id) total from stock_movements) m
                where quantity_after <> total"""),
        /** What is due goes with the status. */
        DUE("""
                select null::bigint, id, format('is %s with %s due', status, coalesce(due, 'nothing')) from orders
                where case status
                    when 'Pending' then due is distinct from 'DEDUCTION'
                    when 'Received' then due is distinct from 'DEDUCTION'
                    when 'Cancelled' then due = 'DEDUCTION'
                    else due is not null end"""),
        /** Every line moved as the order's status says: not at all, out, or out and back. */
        ORDER("""
                select l.inventory_item_id, o.id,
                    format('is %s, its line of %s moved %s in %s', o.status, l.quantity, coalesce(sum(m.delta), 0), count(m.id))
                from orders o join order_lines l on l.order_id = o.id
                left join stock_movements m on m.order_id = o.id and m.inventory_item_id = l.inventory_item_id
                group by o.id, l.order_id, l.inventory_item_id
                having case
                    when o.status in ('Pending', 'Received', 'Rejected') then count(m.id) <> 0
                    when o.status in ('Confirmed', 'OutForDelivery', 'Delivered') or o.due = 'RESTORATION'
                        then count(m.id) <> 1 or sum(m.delta) <> -l.quantity
                    else count(m.id) not in (0, 2) or sum(m.delta) <> 0 end"""),
        /** No movement is of an order that has no such line. */
        STRAY("""
                select m.inventory_item_id, m.order_id, format('movement %s is of no line of the order', m.id)
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
     * @param kind which comparison found it
     * @param inventoryItemId the item, when it is about one
     * @param orderId the order, when it is about one
     */
    @RegisterForReflection
    public record Discrepancy(String kind, Long inventoryItemId, Long orderId, String detail) {}

    private final AgroalDataSource dataSource;

    Audit(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    /**
     * Audits everything there is.
     *
     * @param onDiscrepancy given each discrepancy as it is found
     * @return how many there are
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
            // It reads everything there is, which may take longer than any call is allowed to.
            statement.execute("set local statement_timeout = 0");
            // Without it the driver would hold all rows at once.
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
