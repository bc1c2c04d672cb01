package dev.oms.rails;

import dev.oms.event.EventType;
import dev.oms.http.Statements;
import dev.oms.inventory.MovementKind;
import dev.oms.order.OrderStatus;
import dev.oms.rails.ImportItems.Item;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Takes over the orders: those that are new, and those that have changed since the last run. An order has changed when
 * its user, its status or one of its times has; its items are compared only then.
 *
 * <p>First it plans: it decides about every order, and adds up what the orders will take of each item. Then it writes,
 * page by page, deciding again. So its memory does not grow with the number of orders.
 */
final class ImportOrders {
    static final String TABLE = "orders";

    private static final int PAGE = 2_000;

    private static final Map<String, OrderStatus> STATUSES =
            Stream.of(OrderStatus.values()).collect(Collectors.toMap(OrderStatus::name, status -> status));

    private static final String KNOWN =
            "select id, user_id, status, created_at, updated_at from orders where id > ? and id <= ? order by id limit ?";

    private static final String LINES = """
            select l.order_id, l.inventory_item_id, l.quantity, coalesce(l.item_name, i.name)
            from order_lines l join inventory_items i on i.id = l.inventory_item_id
            where l.order_id = any(?) order by l.order_id, l.inventory_item_id""";

    private static final String MOVED = "select distinct order_id, kind from stock_movements where order_id = any(?)";

    private static final String UPDATE = """
            update orders set user_id = ?, status = ?, due = ?, created_at = ?, updated_at = ?, version = version + 1
            where id = ?""";

    // Positions below 0 are in no feed, only in timelines: what happened in the Rails service is not news. Only one run
    // writes at a time.
    private static final String WRITE_EVENTS = """
            insert into events (position, subject, subject_id, version, type, actor, created_at) overriding system value
            select coalesce((select max(position) from events where position < 0), -4611686018427387904)
                + row_number() over (order by o.id), 'order', o.id, o.version, e.type, ?, o.updated_at
            from unnest(?, ?) e (id, type) join orders o on o.id = e.id""";

    private static final String DELETE_LINES = "delete from order_lines where order_id = any(?)";

    private static final String GONE_DUE =
            "is gone from the source; it stays %s, and takes stock once a worker runs, unless it is cancelled before";

    /** So that the reconciler takes their jobs for lost, and sends them at once. */
    private static final Instant LONG_AGO = Instant.EPOCH;

    private final RailsDatabase source;
    private final Target target;
    private final Rejects rejects;
    private final ImportItems items;
    private final Progress progress;
    private final Instant now;
    private final Map<Long, Long> deductions = new HashMap<>();
    private final List<Range> settled = new ArrayList<>();
    private final List<Range> due = new ArrayList<>();
    private long planned;

    ImportOrders(
            RailsDatabase source, Target target, Rejects rejects, ImportItems items, Progress progress, Instant now) {
        this.source = source;
        this.target = target;
        this.rejects = rejects;
        this.items = items;
        this.progress = progress;
        this.now = now;
    }

    /** The orders with ids above one and up to another. */
    private record Range(long after, long to) {}

    private record Row(long id, Long userId, String status, String items, Times times) {
        static Row read(ResultSet row) throws SQLException {
            long userId = row.getLong(2);
            boolean hasNoUser = row.wasNull();
            return new Row(
                    row.getLong(1),
                    hasNoUser ? null : Long.valueOf(userId),
                    RailsDatabase.text(row, 3),
                    RailsDatabase.text(row, 4),
                    Times.read(row, 5));
        }
    }

    /** An order of an earlier run. */
    private record Known(long userId, OrderStatus status, Times times) {
        boolean matches(Row row) {
            return row.userId != null
                    && row.userId == userId
                    && status.name().equals(row.status)
                    && row.times.match(times);
        }
    }

    private record Line(long itemId, long quantity, String name) {}

    /** What an order of an earlier run has, and which movements. */
    private record Holding(List<Line> lines, Set<MovementKind> moved) {}

    /**
     * What is to be written for an order.
     *
     * @param before null when it is new
     * @param hasNewLines whether its lines are to be written, in place of those that it had
     * @param movement {@code DEDUCTION}, {@code RESTORATION} or null
     */
    private record Change(
            long id,
            long userId,
            OrderStatus status,
            Times times,
            Known before,
            List<Line> lines,
            boolean hasNewLines,
            MovementKind movement) {
        boolean isDue() {
            return status.awaitsDeduction();
        }

        String due() {
            return isDue() ? "DEDUCTION" : null;
        }
    }

    /** Decides about all orders, and lists what cannot be carried over. */
    void plan() throws SQLException {
        long after = Long.MIN_VALUE;
        List<Row> rows;
        do {
            rows = readRows(after, Long.MAX_VALUE);
            long to = rows.size() < PAGE ? Long.MAX_VALUE : rows.getLast().id;
            Range range = new Range(after, to);
            List<Change> changes = decide(range, rows, rejects);
            if (changes.stream().anyMatch(Change::isDue)) {
                due.add(range);
            }
            if (!changes.stream().allMatch(Change::isDue)) {
                settled.add(range);
            }
            changes.stream()
                    .filter(change -> change.movement == MovementKind.DEDUCTION)
                    .flatMap(change -> change.lines.stream())
                    .forEach(line -> deductions.merge(line.itemId, line.quantity, Long::sum));
            planned += changes.size();
            progress.read(rows.size());
            after = to;
        } while (rows.size() == PAGE);
    }

    /** What the orders will take, by item. */
    Map<Long, Long> deductions() {
        return deductions;
    }

    /** How many orders are to be written. */
    long changes() {
        return planned;
    }

    /** Writes the orders whose stock the Rails service has settled. */
    void writeSettled() throws SQLException {
        write(settled, false);
    }

    /**
     * Writes the orders that a worker of OMS is to settle. None should run yet. If one does, the stock is right for it
     * by now, but no run of the import can follow.
     */
    void writeDue() throws SQLException {
        write(due, true);
    }

    /** While a page is written, the next one is prepared. */
    private void write(List<Range> ranges, boolean isDue) throws SQLException {
        try (ExecutorService ahead = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Page> next = null;
            for (int i = 0; i < ranges.size(); i++) {
                Page page = i == 0 ? prepare(ranges.get(0), isDue) : await(next);
                if (i + 1 < ranges.size()) {
                    Range following = ranges.get(i + 1);
                    next = ahead.submit(() -> prepare(following, isDue));
                }
                target.inTransaction(connection -> {
                    page.write(connection);
                    return null;
                });
                progress.added(page.added);
                progress.changed(page.updated.size());
            }
        }
    }

    private static Page await(Future<Page> page) throws SQLException {
        try {
            return page.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private List<Row> readRows(long after, long to) throws SQLException {
        List<Row> rows = new ArrayList<>();
        source.readOrders(after, to, PAGE, row -> rows.add(Row.read(row)));
        return rows;
    }

    /** @param report receives those that cannot be carried over, or null when they have been reported */
    private List<Change> decide(Range range, List<Row> rows, Rejects report) throws SQLException {
        Map<Long, Known> known = known(range, rows, report);
        List<Row> unequal = new ArrayList<>();
        Set<Long> changed = new HashSet<>();
        Set<Long> wantedUsers = new HashSet<>();
        for (Row row : rows) {
            Known before = known.get(row.id);
            if (before == null || !before.matches(row) || source.isRepeated(TABLE, row.id)) {
                unequal.add(row);
                if (before != null) {
                    changed.add(row.id);
                }
                if (row.userId != null) {
                    wantedUsers.add(row.userId);
                }
            }
        }
        Set<Long> users = wantedUsers.isEmpty() ? Set.of() : ImportUsers.existing(target, wantedUsers);
        wantedUsers.removeAll(users);
        // They make a difference to the reason only.
        Set<Long> rejectedUsers = report == null ? Set.of() : source.existingUsers(wantedUsers);
        Map<Long, Holding> holdings = changed.isEmpty() ? Map.of() : holdings(changed);
        List<Change> changes = new ArrayList<>();
        for (Row row : unequal) {
            try {
                Known before = known.get(row.id);
                source.requireUnique(TABLE, row.id);
                require(row, users, rejectedUsers);
                changes.add(before == null ? add(row) : change(row, before, holdings.get(row.id)));
            } catch (Unacceptable e) {
                if (report != null) {
                    report.add(TABLE, row.id, e.getMessage());
                }
            }
        }
        return changes;
    }

    private static void require(Row row, Set<Long> users, Set<Long> rejectedUsers) throws Unacceptable {
        Ids.require(row.id, Ids.MAX);
        if (row.userId == null) {
            throw new Unacceptable("has no user");
        }
        if (!users.contains(row.userId)) {
            throw new Unacceptable(
                    rejectedUsers.contains(row.userId)
                            ? "has the user " + row.userId + ", who is not taken over"
                            : "has the user " + row.userId + ", who does not exist");
        }
        if (row.status == null) {
            throw new Unacceptable("has no status");
        }
        if (!STATUSES.containsKey(row.status)) {
            throw new Unacceptable("has the status " + Rejects.quote(row.status) + ", which OMS does not know");
        }
        row.times.require();
    }

    private Change add(Row row) throws Unacceptable {
        OrderStatus status = STATUSES.get(row.status);
        return new Change(
                row.id,
                row.userId,
                status,
                row.times,
                null,
                lines(OrderItems.parse(row.items)),
                true,
                status.holdsStock() ? MovementKind.DEDUCTION : null);
    }

    private Change change(Row row, Known before, Holding holding) throws Unacceptable {
        OrderStatus status = STATUSES.get(row.status);
        Map<String, Long> wanted = OrderItems.parse(row.items);
        // By name: the item may have been renamed since.
        boolean hasNewLines =
                !wanted.equals(holding.lines.stream().collect(Collectors.toMap(Line::name, Line::quantity, Long::sum)));
        boolean hasTaken = holding.moved.contains(MovementKind.DEDUCTION);
        boolean hasRestored = holding.moved.contains(MovementKind.RESTORATION);
        if (hasTaken && hasNewLines) {
            throw new Unacceptable("has other items than when its stock was taken; it stays as it was taken over");
        }
        if (hasTaken && status != OrderStatus.Cancelled && (hasRestored || !status.holdsStock())) {
            throw new Unacceptable("has gone from " + before.status + " to " + status
                    + ", which its stock cannot follow; it stays as it was taken over");
        }
        MovementKind movement = null;
        if (!hasTaken && status.holdsStock()) {
            movement = MovementKind.DEDUCTION;
        } else if (hasTaken && !hasRestored && status == OrderStatus.Cancelled) {
            movement = MovementKind.RESTORATION;
        }
        return new Change(
                row.id,
                row.userId,
                status,
                row.times.orElse(before.times),
                before,
                hasNewLines ? lines(wanted) : holding.lines,
                hasNewLines,
                movement);
    }

    private List<Line> lines(Map<String, Long> wanted) throws Unacceptable {
        List<Line> lines = new ArrayList<>();
        for (Map.Entry<String, Long> entry : wanted.entrySet()) {
            Item item = items.named(entry.getKey());
            lines.add(new Line(item.id(), entry.getValue(), item.name()));
        }
        return lines;
    }

    /**
     * Those of some rows that an earlier run has taken over. Lists those that are gone: there may be any number of
     * them.
     */
    private Map<Long, Known> known(Range range, List<Row> rows, Rejects report) throws SQLException {
        Set<Long> found = rows.stream().map(Row::id).collect(Collectors.toSet());
        Map<Long, Known> known = new HashMap<>();
        long last = range.after;
        Map<Long, Known> page;
        do {
            page = knownPage(last, range.to);
            for (Map.Entry<Long, Known> entry : page.entrySet()) {
                last = entry.getKey();
                if (found.contains(last)) {
                    known.put(last, entry.getValue());
                } else if (report != null) {
                    OrderStatus status = entry.getValue().status;
                    report.add(TABLE, last, status.awaitsDeduction() ? GONE_DUE.formatted(status) : Rejects.GONE);
                }
            }
        } while (page.size() == PAGE);
        return known;
    }

    private Map<Long, Known> knownPage(long after, long to) throws SQLException {
        return target.read(connection -> {
            Map<Long, Known> known = new LinkedHashMap<>();
            try (PreparedStatement statement = Statements.prepare(connection, KNOWN, after, to, PAGE);
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    known.put(
                            row.getLong(1),
                            new Known(row.getLong(2), OrderStatus.valueOf(row.getString(3)), Times.read(row, 4)));
                }
            }
            return known;
        });
    }

    private Map<Long, Holding> holdings(Set<Long> orders) throws SQLException {
        return target.read(connection -> {
            Map<Long, Holding> holdings = new LinkedHashMap<>();
            orders.forEach(id -> holdings.put(id, new Holding(new ArrayList<>(), new HashSet<>())));
            try (PreparedStatement statement = Statements.prepare(connection, LINES, Target.longs(connection, orders));
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    holdings.get(row.getLong(1)).lines.add(new Line(row.getLong(2), row.getLong(3), row.getString(4)));
                }
            }
            try (PreparedStatement statement = Statements.prepare(connection, MOVED, Target.longs(connection, orders));
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    holdings.get(row.getLong(1)).moved.add(MovementKind.valueOf(row.getString(2)));
                }
            }
            return holdings;
        });
    }

    private Page prepare(Range range, boolean isDue) throws SQLException {
        Page page = new Page();
        for (Change change : decide(range, readRows(range.after, range.to), null)) {
            if (change.isDue() == isDue) {
                page.add(change, change.times.orElse(now));
            }
        }
        return page;
    }

    /** What is written in one transaction. */
    private static final class Page {
        private final Target.Rows orders = new Target.Rows(
                "orders (id, user_id, status, due, enqueued_at, version, created_at, updated_at, placed_by)");
        private final Target.Rows lines =
                new Target.Rows("order_lines (order_id, inventory_item_id, quantity, item_name)");
        private final Map<Long, EventType> events = new LinkedHashMap<>();
        private final Movements movements = new Movements();
        private final List<Change> updated = new ArrayList<>();
        private int added;

        /** @param times those of the change, complete */
        void add(Change change, Times times) {
            if (change.before == null) {
                added++;
                // What became of the order is an event of its own, unless it has only been placed.
                boolean hasEvent = change.status != OrderStatus.Pending;
                orders.add(
                        change.id,
                        change.userId,
                        change.status.name(),
                        change.due(),
                        LONG_AGO,
                        hasEvent ? 1 : 0,
                        times.created(),
                        times.updated(),
                        Target.ACTOR);
                if (hasEvent) {
                    events.put(change.id, change.status.event());
                }
            } else {
                updated.add(change);
                if (change.status != change.before.status && change.status != OrderStatus.Pending) {
                    events.put(change.id, change.status.event());
                }
            }
            if (change.hasNewLines) {
                change.lines.forEach(line -> lines.add(change.id, line.itemId, line.quantity, line.name));
            }
            if (change.movement != null) {
                int sign = change.movement == MovementKind.DEDUCTION ? -1 : 1;
                // The Rails service takes stock as it accepts an order.
                Instant at = sign < 0 ? times.created() : times.updated();
                change.lines.forEach(
                        line -> movements.add(line.itemId, change.id, change.movement, sign * line.quantity, null, at));
            }
        }

        void write(Connection connection) throws SQLException {
            update(connection);
            orders.insert(connection);
            lines.insert(connection);
            writeEvents(connection);
            movements.write(connection);
        }

        private void writeEvents(Connection connection) throws SQLException {
            if (!events.isEmpty()) {
                Target.update(
                        connection,
                        WRITE_EVENTS,
                        Target.ACTOR,
                        Target.longs(connection, events.keySet()),
                        connection.createArrayOf(
                                "text",
                                events.values().stream()
                                        .map(EventType::wireName)
                                        .toArray(String[]::new)));
            }
        }

        private void update(Connection connection) throws SQLException {
            if (updated.isEmpty()) {
                return;
            }
            try (PreparedStatement statement = connection.prepareStatement(UPDATE)) {
                for (Change change : updated) {
                    statement.setLong(1, change.userId);
                    statement.setString(2, change.status.name());
                    statement.setString(3, change.due());
                    statement.setObject(4, change.times.created().atOffset(ZoneOffset.UTC));
                    statement.setObject(5, change.times.updated().atOffset(ZoneOffset.UTC));
                    statement.setLong(6, change.id);
                    statement.addBatch();
                }
                statement.executeBatch();
            }
            List<Long> relined =
                    updated.stream().filter(Change::hasNewLines).map(Change::id).toList();
            if (!relined.isEmpty()) {
                Target.update(connection, DELETE_LINES, Target.longs(connection, relined));
            }
        }
    }
}
