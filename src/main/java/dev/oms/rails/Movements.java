package dev.oms.rails;

import dev.oms.http.Statements;
import dev.oms.inventory.MovementKind;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Entries of the ledger that are written together, with the quantities that they lead to. */
final class Movements {
    private static final String LOCK_ITEMS =
            "select id, quantity from inventory_items where id = any(?) order by id for no key update";

    private static final String WRITE_QUANTITIES = """
            update inventory_items i set quantity = s.quantity, version = version + 1
            from unnest(?, ?) s (id, quantity) where i.id = s.id""";

    private final List<Movement> movements = new ArrayList<>();

    private record Movement(long itemId, Long orderId, MovementKind kind, long delta, String reason, Instant at) {}

    void add(long itemId, Long orderId, MovementKind kind, long delta, String reason, Instant at) {
        movements.add(new Movement(itemId, orderId, kind, delta, reason, at));
    }

    static Target.Rows rows() {
        return new Target.Rows(
                "stock_movements (inventory_item_id, order_id, kind, delta, quantity_after, reason, actor,"
                        + " created_at)");
    }

    /** Writes the movements in the order in which they were added. */
    void write(Connection connection) throws SQLException {
        if (movements.isEmpty()) {
            return;
        }
        TreeSet<Long> ids = new TreeSet<>();
        movements.forEach(movement -> ids.add(movement.itemId));
        Map<Long, Long> quantities = lock(connection, ids);
        Target.Rows rows = rows();
        for (Movement movement : movements) {
            long after = quantities.merge(movement.itemId, movement.delta, Long::sum);
            if (after < 0) {
                throw new ImportRefused("the stock of item " + movement.itemId
                        + " was changed meanwhile; stop web and workers, and start over with an empty database.");
            }
            rows.add(
                    movement.itemId,
                    movement.orderId,
                    movement.kind.name(),
                    movement.delta,
                    after,
                    movement.reason,
                    Target.ACTOR,
                    movement.at);
        }
        rows.insert(connection);
        Target.update(
                connection,
                WRITE_QUANTITIES,
                Target.longs(connection, quantities.keySet()),
                Target.longs(connection, quantities.values()));
    }

    /** The quantities of items, which are locked until the transaction ends. */
    static Map<Long, Long> lock(Connection connection, Collection<Long> ids) throws SQLException {
        Map<Long, Long> quantities = new HashMap<>();
        try (PreparedStatement statement = Statements.prepare(connection, LOCK_ITEMS, Target.longs(connection, ids));
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                quantities.put(row.getLong(1), row.getLong(2));
            }
        }
        return quantities;
    }
}
