package dev.oms.bench;

import dev.oms.bench.Load.Caller;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** What PostgreSQL alone can do: the same rows and queries as in OMS, through plain JDBC. */
final class JdbcBaseline {
    private static final String INSERT_ORDER = """
            insert into orders (created_at, due, enqueued_at, status, updated_at, user_id, version)
            values (?, ?, ?, ?, ?, ?, ?) returning id""";

    private static final String INSERT_LINE =
            "insert into order_lines (quantity, inventory_item_id, order_id) values (?, ?, ?)";

    private static final String READ = """
            select o.id, o.user_id, o.status, o.version, o.created_at, o.updated_at, i.name, l.quantity
            from (select * from orders where %s) o
            left join order_lines l on l.order_id = o.id
            left join inventory_items i on i.id = l.inventory_item_id
            order by o.id desc""";

    private static final String ORDER = READ.formatted("id = ?");

    private static final String ORDERS = READ.formatted("id < ? and user_id = ? order by id desc limit ?");

    private static final String DUE_LINES = """
            select o.id, l.inventory_item_id, l.quantity, i.quantity
            from orders o
            join order_lines l on l.order_id = o.id join inventory_items i on i.id = l.inventory_item_id
            where o.due is not null order by o.id, l.inventory_item_id""";

    private static final String INSERT_MOVEMENTS = """
            insert into stock_movements (order_id, inventory_item_id, kind, delta, quantity_after, created_at)
            select m.*, ? from unnest(?, ?, ?, ?, ?) m""";

    private static final String UPDATE_ITEMS = """
            update inventory_items i set quantity = s.quantity, version = version + 1, updated_at = ?
            from unnest(?, ?) s (id, quantity) where i.id = s.id""";

    private static final String UPDATE_ORDERS = """
            with settled as (
                update orders o set status = s.status, due = null, version = version + 1, updated_at = ?
                from unnest(?, ?) s (id, status) where o.id = s.id
                returning o.id, o.version, o.status, o.updated_at)
            insert into events (subject, subject_id, version, type, actor, created_at)
            select 'order', id, version, 'order.' || lower(status), 'worker', updated_at from settled""";

    /** A page of ten, and one more row that tells OMS whether there is a next page. */
    private static final int PAGE_ROWS = 11;

    private static final int BATCH_ORDERS = 500;

    private JdbcBaseline() {}

    /** Places orders of two lines, each in its own transaction: begin, two statements, commit. */
    static Caller placingOrders(BenchmarkServers servers, SeededShop shop) throws SQLException {
        Connection connection = servers.connect();
        connection.setAutoCommit(false);
        PreparedStatement order = connection.prepareStatement(INSERT_ORDER);
        PreparedStatement line = connection.prepareStatement(INSERT_LINE);
        return new JdbcCaller(connection) {
            @Override
            public long call() throws SQLException {
                Instant now = Instant.now();
                order.setObject(1, utc(now));
                order.setString(2, "DEDUCTION");
                // In the future, so that the reconciler does not send its job during the measurement.
                order.setObject(3, utc(now.plusSeconds(3600)));
                order.setString(4, "Pending");
                order.setObject(5, utc(now));
                order.setLong(6, shop.anyUser());
                order.setLong(7, 0);
                long id;
                try (ResultSet row = order.executeQuery()) {
                    row.next();
                    id = row.getLong(1);
                }
                int item = shop.anyItem();
                addLine(id, shop.itemId(item), 1);
                addLine(id, shop.itemId(shop.anyOther(item)), 2);
                line.executeBatch();
                connection.commit();
                return id;
            }

            private void addLine(long orderId, long itemId, long quantity) throws SQLException {
                line.setLong(1, quantity);
                line.setLong(2, itemId);
                line.setLong(3, orderId);
                line.addBatch();
            }
        };
    }

    /** Reads random orders with ids from 1 to {@code orders}, with their lines. */
    static Caller readingOrders(BenchmarkServers servers, int orders) throws SQLException {
        Connection connection = servers.connect();
        PreparedStatement order = connection.prepareStatement(ORDER);
        return new JdbcCaller(connection) {
            @Override
            public long call() throws SQLException {
                long id = 1 + ThreadLocalRandom.current().nextInt(orders);
                order.setLong(1, id);
                if (read(order) != 2) {
                    throw new SQLException("Order %d does not have two lines".formatted(id));
                }
                return id;
            }
        };
    }

    /** Reads the first page of random users' orders, with their lines. */
    static Caller listingOrders(BenchmarkServers servers, SeededShop shop) throws SQLException {
        Connection connection = servers.connect();
        PreparedStatement page = connection.prepareStatement(ORDERS);
        return new JdbcCaller(connection) {
            @Override
            public long call() throws SQLException {
                long user = shop.anyUser();
                page.setLong(1, Long.MAX_VALUE);
                page.setLong(2, user);
                page.setInt(3, PAGE_ROWS);
                read(page);
                return user;
            }
        };
    }

    private static int read(PreparedStatement statement) throws SQLException {
        int lines = 0;
        try (ResultSet row = statement.executeQuery()) {
            for (; row.next(); lines++) {
                row.getLong(1);
                row.getLong(2);
                row.getString(3);
                row.getLong(4);
                row.getObject(5, OffsetDateTime.class);
                row.getObject(6, OffsetDateTime.class);
                row.getString(7);
                row.getLong(8);
            }
        }
        return lines;
    }

    /** An order line whose stock is due. */
    private record Due(long orderId, long itemId, long quantity) {}

    /**
     * Confirms all pending orders on one connection, 500 per transaction: movements, quantities, statuses. Reading what
     * is due and deciding about it happen before the clock starts.
     *
     * @return orders per second
     */
    static Sample settleAll(BenchmarkServers servers) throws SQLException {
        Map<Long, List<Due>> orders = new HashMap<>();
        Map<Long, Long> quantities = new HashMap<>();
        List<Long> ids = new ArrayList<>();
        try (Connection connection = servers.connect();
                PreparedStatement due = connection.prepareStatement(DUE_LINES);
                ResultSet row = due.executeQuery()) {
            while (row.next()) {
                quantities.put(row.getLong(2), row.getLong(4));
                orders.computeIfAbsent(row.getLong(1), id -> {
                            ids.add(id);
                            return new ArrayList<>();
                        })
                        .add(new Due(row.getLong(1), row.getLong(2), row.getLong(3)));
            }
        }
        try (Connection connection = servers.connect();
                PreparedStatement movements = connection.prepareStatement(INSERT_MOVEMENTS);
                PreparedStatement items = connection.prepareStatement(UPDATE_ITEMS);
                PreparedStatement statuses = connection.prepareStatement(UPDATE_ORDERS)) {
            connection.setAutoCommit(false);
            long started = System.nanoTime();
            for (int i = 0; i < ids.size(); i += BATCH_ORDERS) {
                List<Long> batch = ids.subList(i, Math.min(i + BATCH_ORDERS, ids.size()));
                List<Due> lines =
                        batch.stream().flatMap(id -> orders.get(id).stream()).toList();
                Map<Long, Long> after = new HashMap<>();
                Long[] quantitiesAfter = lines.stream()
                        .map(line -> {
                            long quantity = quantities.merge(line.itemId(), -line.quantity(), Long::sum);
                            after.put(line.itemId(), quantity);
                            return quantity;
                        })
                        .toArray(Long[]::new);
                execute(
                        movements,
                        longs(connection, lines.stream().map(Due::orderId).toArray()),
                        longs(connection, lines.stream().map(Due::itemId).toArray()),
                        texts(connection, "DEDUCTION", lines.size()),
                        longs(
                                connection,
                                lines.stream().map(line -> -line.quantity()).toArray()),
                        longs(connection, quantitiesAfter));
                execute(
                        items,
                        longs(connection, after.keySet().toArray()),
                        longs(connection, after.values().toArray()));
                execute(statuses, longs(connection, batch.toArray()), texts(connection, "Confirmed", batch.size()));
                connection.commit();
            }
            return Sample.of(ids.size() / ((System.nanoTime() - started) / 1e9));
        }
    }

    private static void execute(PreparedStatement statement, Array... arrays) throws SQLException {
        statement.setObject(1, utc(Instant.now()));
        for (int i = 0; i < arrays.length; i++) {
            statement.setArray(i + 2, arrays[i]);
        }
        statement.executeUpdate();
    }

    private static Array longs(Connection connection, Object[] values) throws SQLException {
        return connection.createArrayOf("bigint", values);
    }

    private static Array texts(Connection connection, String text, int count) throws SQLException {
        Object[] values = new Object[count];
        Arrays.fill(values, text);
        return connection.createArrayOf("text", values);
    }

    private static OffsetDateTime utc(Instant instant) {
        return instant.atOffset(ZoneOffset.UTC);
    }

    private abstract static class JdbcCaller implements Caller {
        private final Connection connection;

        JdbcCaller(Connection connection) {
            this.connection = connection;
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }
}
