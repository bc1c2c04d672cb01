package dev.oms.order;

import dev.oms.http.DatabaseConstraints;
import dev.oms.http.DatabaseFailure;
import dev.oms.http.ProblemException;
import io.agroal.api.AgroalDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Accepts orders: an order, its lines and its due deduction commit together, or none of them does.
 *
 * <p>Concurrent orders are placed by one statement, which looks up the items by name and inserts orders and lines.
 * Without a transaction around it, that is one round trip and one commit. An order is placed only if its user exists
 * and every name is an item on sale; a bad order does not affect the others.
 */
@ApplicationScoped
class PlaceOrder {
    // In a larger group each order's share of the commit hardly shrinks, while the first order waits for the last one's
    // rows.
    private static final int GROUP_SIZE_MAX = 64;

    // While one group commits, the next is on its way.
    private static final int CONCURRENT_GROUPS = 2;

    private static final String PLACE = """
            with asked as (
                select * from unnest(?::bigint[], ?::integer[]) with ordinality a (user_id, lines, n)),
            found as (
                select w.n, i.id, i.name, w.quantity
                from unnest(?::integer[], ?::text[], ?::bigint[]) w (n, name, quantity)
                join inventory_items i on i.name = w.name and i.archived_at is null),
            counted as (select n, count(*) lines from found group by n),
            accepted as materialized (
                select a.n, a.user_id, nextval('orders_id_seq') id
                from asked a join counted c on c.n = a.n and c.lines = a.lines join users u on u.id = a.user_id),
            placed as (
                insert into orders (id, user_id, status, due, enqueued_at, version, created_at, updated_at)
                select id, user_id, 'Pending', 'DEDUCTION', t, 0, t, t
                from accepted, (select cast(? as timestamptz) t) now),
            lines as (
                insert into order_lines (order_id, inventory_item_id, quantity, item_name)
                select a.id, f.id, f.quantity, f.name from accepted a join found f on f.n = a.n)
            select a.n, c.id, case when c.id is null then (select array_agg(name) from found f where f.n = a.n) end
            from asked a left join accepted c on c.n = a.n""";

    private final AgroalDataSource dataSource;
    private final Event<StockDue> stockDue;
    private final Clock clock;
    private final GroupCommit<Placement> groups;

    PlaceOrder(AgroalDataSource dataSource, Event<StockDue> stockDue, Clock clock) {
        this.dataSource = dataSource;
        this.stockDue = stockDue;
        this.clock = clock;
        this.groups = new GroupCommit<>(CONCURRENT_GROUPS, GROUP_SIZE_MAX, this::insert);
    }

    /**
     * Places an order in a transaction that it may share with others. Must not be called inside a transaction.
     *
     * @param quantities quantities by item name: at least one item, each quantity at least 1
     * @throws ProblemException 404 when there is no such user, 422 when an item is not on sale
     */
    OrderView place(long userId, Map<String, Long> quantities) {
        Placement placement = new Placement(userId, quantities);
        groups.commit(placement);
        return announce(placement);
    }

    /** The same, in the caller's transaction. */
    OrderView placeInTransaction(long userId, Map<String, Long> quantities) {
        Placement placement = new Placement(userId, quantities);
        insert(List.of(placement));
        return announce(placement);
    }

    private OrderView announce(Placement placement) {
        OrderView order = placement.orThrow();
        stockDue.fire(new StockDue(order.id()));
        return order;
    }

    /** Places a group of orders; each one that is not placed gets its own reason. */
    void insert(List<Placement> group) {
        try (Connection connection = dataSource.getConnection()) {
            insert(connection, group);
        } catch (SQLException e) {
            throw new IllegalStateException("No database connection to place the order", e);
        }
    }

    private void insert(Connection connection, List<Placement> group) {
        try (PreparedStatement statement = connection.prepareStatement(PLACE)) {
            Instant now = clock.instant();
            setLines(statement, group);
            statement.setObject(6, now.atOffset(ZoneOffset.UTC));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    Placement placement = group.get(row.getInt(1) - 1);
                    long id = row.getLong(2);
                    if (row.wasNull()) {
                        Array found = row.getArray(3);
                        placement.refuse(found == null ? Set.of() : Set.of((String[]) found.getArray()));
                    } else {
                        placement.succeed(id, now);
                    }
                }
            }
        } catch (SQLException e) {
            DatabaseFailure.AutoCommitFailure outage = new DatabaseFailure.AutoCommitFailure(e);
            if (group.size() > 1 && !outage.isInDoubt()) {
                // Nothing was placed because one order is at fault: placed alone, only that one fails.
                group.forEach(each -> insertAlone(connection, each));
            } else if (DatabaseConstraints.violatedBy(e).equals("order_lines_inventory_item_id_fkey")) {
                throw ProblemException.invalid("items", "names an item that was just deleted");
            } else {
                throw outage;
            }
        }
    }

    private void insertAlone(Connection connection, Placement placement) {
        try {
            insert(connection, List.of(placement));
        } catch (RuntimeException e) {
            placement.fail(e);
        }
    }

    private static void setLines(PreparedStatement statement, List<Placement> group) throws SQLException {
        List<Long> userIds = new ArrayList<>();
        List<Integer> lines = new ArrayList<>();
        List<Integer> numbers = new ArrayList<>();
        List<String> names = new ArrayList<>();
        List<Long> quantities = new ArrayList<>();
        for (Placement placement : group) {
            userIds.add(placement.userId());
            lines.add(placement.quantities().size());
            placement.quantities().forEach((name, quantity) -> {
                if (Placement.isPossibleName(name)) {
                    numbers.add(userIds.size());
                    names.add(name);
                    quantities.add(quantity);
                }
            });
        }
        Connection connection = statement.getConnection();
        // Typed arrays, because the driver sends those in binary.
        statement.setArray(1, connection.createArrayOf("bigint", userIds.toArray(Long[]::new)));
        statement.setArray(2, connection.createArrayOf("integer", lines.toArray(Integer[]::new)));
        statement.setArray(3, connection.createArrayOf("integer", numbers.toArray(Integer[]::new)));
        statement.setArray(4, connection.createArrayOf("text", names.toArray(String[]::new)));
        statement.setArray(5, connection.createArrayOf("bigint", quantities.toArray(Long[]::new)));
    }
}
