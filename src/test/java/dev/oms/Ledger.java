package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/**
 * Reads and audits the database: every quantity against the ledger, every order against its movements. Does not use the
 * service's own audit, because that is under test too.
 */
public class Ledger {
    private static final String WRONG_QUANTITIES = """
            select 'item ' || i.id || ' has ' || i.quantity || ', but its ledger adds up to ' || coalesce(sum(m.delta), 0)
            from inventory_items i left join stock_movements m on m.inventory_item_id = i.id
            group by i.id having i.quantity <> coalesce(sum(m.delta), 0)""";

    private static final String WRONG_RUNNING_TOTALS = """
            select 'movement ' || id || ' has quantity_after ' || quantity_after || ', but the ledger adds up to ' || total from (
                select id, quantity_after, sum(delta) over (partition by inventory_item_id order by id) total
                from stock_movements) m
            where quantity_after <> total""";

    /** Lines whose movements are not those that the order's status requires. */
    private static final String WRONG_ORDERS = """
            select 'order ' || o.id || ' is ' || o.status || ', but item ' || l.inventory_item_id || ' moved by '
                || coalesce(sum(m.delta), 0) || ' (movements: ' || count(m.id) || ')'
            from orders o join order_lines l on l.order_id = o.id
            left join stock_movements m on m.order_id = o.id and m.inventory_item_id = l.inventory_item_id
            group by o.id, l.inventory_item_id, l.quantity
            having case
                when o.status in ('Pending', 'Received', 'Rejected') then count(m.id) <> 0
                when o.status in ('Confirmed', 'OutForDelivery', 'Delivered') or o.due = 'RESTORATION'
                    then count(m.id) <> 1 or sum(m.delta) <> -l.quantity
                when count(m.id) = 1 and exists (
                    select from events e
                    where e.subject = 'order' and e.subject_id = o.id and e.type = 'order.abandoned'
                        and e.version = o.version)
                    then sum(m.delta) <> -l.quantity
                else count(m.id) not in (0, 2) or sum(m.delta) <> 0 end""";

    private static final String STRAY_MOVEMENTS = """
            select 'movement ' || m.id || ' belongs to no line of order ' || m.order_id from stock_movements m
            where m.order_id is not null and not exists (
                select from order_lines l where l.order_id = m.order_id and l.inventory_item_id = m.inventory_item_id)""";

    private final DataSource dataSource;

    public Ledger(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    /** Opens a new connection. */
    public Connection connect() throws SQLException {
        return dataSource.getConnection();
    }

    /** Asserts that no stock is lost, duplicated or made up, for all items and orders. */
    public void assertConsistent() {
        assertThat(texts(WRONG_QUANTITIES)).isEmpty();
        assertThat(texts(WRONG_RUNNING_TOTALS)).isEmpty();
        assertThat(texts(WRONG_ORDERS)).isEmpty();
        assertThat(texts(STRAY_MOVEMENTS)).isEmpty();
    }

    /** Waits until no order has stock due. */
    public void awaitSettled() {
        await().atMost(Duration.ofSeconds(120))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> count("orders where due is not null") == 0);
    }

    /**
     * Counts rows.
     *
     * @param from a table, or anything else that may follow "from"
     */
    public long count(String from) {
        return Long.parseLong(texts("select count(*) from " + from).getFirst());
    }

    /** Runs a statement, for changes that are impossible over REST. */
    public void execute(String sql) {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The first column of all rows of a query. */
    public List<String> texts(String query) {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            List<String> texts = new ArrayList<>();
            while (row.next()) {
                texts.add(row.getString(1));
            }
            return texts;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
