package dev.oms.order;

import dev.oms.http.Constraints;
import dev.oms.http.DatabaseOutage;
import dev.oms.http.Problem.FieldError;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
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
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Accepts an order: the order, its lines and what is due commit together, or nothing does.
 *
 * <p>One statement, which without a transaction around it is one round trip: names to items, order, and lines. An order
 * is placed only where every name is an item on sale; that there is such a user, its foreign key says.
 */
@ApplicationScoped
class PlaceOrder {
    private static final Pattern PRINTABLE = Pattern.compile(Texts.PRINTABLE);

    private static final String PLACE = """
            with wanted as (select * from unnest(?, ?) w (name, quantity)),
            found as (
                select i.id, i.name, w.quantity
                from wanted w join inventory_items i on i.name = w.name and i.archived_at is null),
            placed as (
                insert into orders (user_id, status, due, enqueued_at, version, created_at, updated_at)
                select ?, 'Pending', 'DEDUCTION', t, 0, t, t from (select cast(? as timestamptz) t) now
                where (select count(*) from found) = ?
                returning id),
            lines as (
                insert into order_lines (order_id, inventory_item_id, quantity)
                select placed.id, found.id, found.quantity from placed, found)
            select (select id from placed), (select array_agg(name) from found)""";

    private final AgroalDataSource dataSource;
    private final Event<StockDue> stockDue;
    private final Clock clock;

    PlaceOrder(AgroalDataSource dataSource, Event<StockDue> stockDue, Clock clock) {
        this.dataSource = dataSource;
        this.stockDue = stockDue;
        this.clock = clock;
    }

    /**
     * Places an order; in the caller's transaction, where there is one.
     *
     * @param quantities how many of what, by name; at least one item, each at least once
     * @throws ProblemException 404 when there is no such user, 422 when there are no such items
     */
    OrderView place(long userId, Map<String, Long> quantities) {
        Instant now = clock.instant();
        long id = insert(userId, quantities, now);
        stockDue.fire(new StockDue(id));
        return new OrderView(id, userId, OrderStatus.Pending, new TreeMap<>(quantities), now, now);
    }

    private long insert(long userId, Map<String, Long> quantities, Instant now) {
        // What no item can be called is not asked for: PostgreSQL could not even be told of some of it.
        Map<String, Long> askable = new TreeMap<>(quantities);
        askable.keySet()
                .removeIf(name -> name.length() > Texts.NAME_MAX
                        || !PRINTABLE.matcher(name).matches());
        try (Connection connection = dataSource.getConnection()) {
            return insert(connection, userId, quantities, askable, now);
        } catch (SQLException e) {
            throw new IllegalStateException("There is no connection to place the order by", e);
        }
    }

    private static long insert(
            Connection connection, long userId, Map<String, Long> quantities, Map<String, Long> askable, Instant now) {
        try (PreparedStatement statement = connection.prepareStatement(PLACE)) {
            statement.setArray(
                    1, connection.createArrayOf("text", askable.keySet().toArray()));
            statement.setArray(
                    2, connection.createArrayOf("bigint", askable.values().toArray()));
            statement.setLong(3, userId);
            statement.setObject(4, now.atOffset(ZoneOffset.UTC));
            statement.setInt(5, quantities.size());
            try (ResultSet placed = statement.executeQuery()) {
                placed.next();
                long id = placed.getLong(1);
                if (placed.wasNull()) {
                    throw unknownItems(quantities.keySet(), placed.getArray(2));
                }
                return id;
            }
        } catch (SQLException e) {
            throw switch (Constraints.brokenBy(e)) {
                case "orders_user_id_fkey" -> ProblemException.unknown("user", userId);
                // Deleted since its id was read.
                case "order_lines_inventory_item_id_fkey" ->
                    ProblemException.invalid("items", "names an item that was just deleted");
                default -> new DatabaseOutage.OfOneStatement(e);
            };
        }
    }

    private static ProblemException unknownItems(Set<String> names, Array found) throws SQLException {
        Set<String> known = found == null ? Set.of() : Set.of((String[]) found.getArray());
        List<FieldError> unknown = names.stream()
                .filter(name -> !known.contains(name))
                .map(name -> new FieldError("items." + Texts.shorten(name, 100), "is not an item on sale"))
                .toList();
        return ProblemException.invalid(unknown);
    }
}
