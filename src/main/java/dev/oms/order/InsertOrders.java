package dev.oms.order;

import dev.oms.event.EventType;
import dev.oms.event.RecordEvent;
import dev.oms.http.Actor;
import dev.oms.http.DatabaseFailure;
import dev.oms.http.DatabaseFailure.AutoCommitFailure;
import dev.oms.order.Placement.Outcome;
import io.agroal.api.AgroalDataSource;
import io.quarkus.agroal.DataSource;
import jakarta.enterprise.context.ApplicationScoped;
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
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * Inserts orders by one statement, which looks up the items by name and inserts orders, lines, events and idempotency
 * keys. Without a transaction around it, that is one round trip and one commit. An order is placed only if its user
 * exists, every name is an item on sale and its key is unused; a bad order does not affect the others.
 *
 * <p>The statement of a group does not wait for a user, an item or a key that somebody has locked: it skips the order.
 * It waits only for a lock on a whole table. The statement of a single order waits.
 */
@ApplicationScoped
class InsertOrders {
    private static final String UNIQUE_VIOLATION = "23505";

    private static final String INSERTS =
            """
            placed as (
                insert into orders (id, user_id, status, due, enqueued_at, version, created_at, updated_at, placed_by)
                select id, user_id, 'Pending', 'DEDUCTION', clock_timestamp(), 0, t, t, placed_by
                from placeable, (select cast(? as timestamptz) t) now),
            lines as (
                insert into order_lines (order_id, inventory_item_id, quantity, item_name)
                select p.id, f.id, f.quantity, f.name from placeable p join found f on f.n = p.n),
            events_inserted as (
                %s
                select 'order', id, 0, '%s', coalesce(placed_by, '%s'),
                    jsonb_build_object('user_id', user_id, 'items', items), t
                from placeable, (select cast(? as timestamptz) t) now)""".formatted(RecordEvent.INSERT, EventType.ORDER_PLACED.wireName(), Actor.API.name());

    /** Of an order that is not placed: which of its items are on sale, and whether its user exists, locked or not. */
    private static final String REASONS = """
            case when p.id is null then (
                select array_agg(i.name)
                from wanted w join inventory_items i on i.name = w.name and i.archived_at is null where w.n = a.n) end,
            case when p.id is null then exists (select 1 from users where id = a.user_id) end""";

    // "select ?" hides the size of an array from the planner. Otherwise it would plan the statement anew for every
    // small group, because a plan for few rows looks cheaper than the one it keeps. Planning takes as long as placing.
    private static final String PLACE = """
            with asked as (select * from unnest((select ?::bigint[]), (select ?::integer[]), (select ?::text[])) with ordinality a (user_id, lines, placed_by, n)),
            %s
            placeable as materialized (
                select a.n, a.user_id, a.placed_by, c.items, nextval('orders_id_seq') id
                from asked a join counted c on c.n = a.n and c.lines = a.lines join users u on u.id = a.user_id
                for key share of u skip locked),
            %s
            select a.n, p.id, true, null::boolean, %s from asked a left join placeable p on p.n = a.n""".formatted(found("skip locked"), INSERTS, REASONS);

    /**
     * The same for orders of which some have an idempotency key: an order is placed only if its key is not stored, be
     * it expired or not. A key that another process has stored since the snapshot fails the statement, which is rare:
     * the advisory lock leaves an instant for it.
     */
    private static final String PLACE_KEYED = placeKeyed("pg_try_advisory_xact_lock(%d, lock)", "skip locked");

    /** The same, but waits for what somebody has locked, up to lock_timeout. */
    private static final String PLACE_ALONE = placeKeyed("pg_advisory_xact_lock(%d, lock) is not null", "");

    private enum Sql {
        GROUP(PLACE),
        KEYED_GROUP(PLACE_KEYED),
        ALONE(PLACE_ALONE);

        final String text;

        Sql(String text) {
            this.text = text;
        }
    }

    private final AgroalDataSource dataSource;
    private final IdempotencyKeys keys;
    private final Clock clock;

    InsertOrders(@DataSource("placing") AgroalDataSource dataSource, IdempotencyKeys keys, Clock clock) {
        this.dataSource = dataSource;
        this.keys = keys;
        this.clock = clock;
    }

    /** Locks items, as placeable locks users, as the foreign keys of the inserts would, so that those never wait. */
    private static String found(String ifLocked) {
        return """
            wanted as (select * from unnest((select ?::integer[]), (select ?::text[]), (select ?::bigint[])) w (n, name, quantity)),
            found as materialized (
                select w.n, i.id, i.name, w.quantity
                from wanted w join inventory_items i on i.name = w.name and i.archived_at is null
                for key share of i %s),
            counted as (select n, count(*) lines, jsonb_object_agg(name, quantity) items from found group by n),""".formatted(ifLocked);
    }

    private static String placeKeyed(String lockKey, String ifLocked) {
        return """
            with keyed as (
                select * from unnest((select ?::bigint[]), (select ?::integer[]), (select ?::text[]), (select ?::text[]), (select ?::bytea[]), (select ?::integer[]))
                    with ordinality a (user_id, lines, placed_by, key, fingerprint, lock, n)),
            expiry as (select cast(? as timestamptz) expiry),
            asked as materialized (select *, lock is null or %s free from keyed),
            %s
            placeable as materialized (
                select a.n, a.user_id, a.placed_by, a.key, a.fingerprint, c.items, nextval('orders_id_seq') id
                from asked a join counted c on c.n = a.n and c.lines = a.lines join users u on u.id = a.user_id
                where a.free and not exists (
                    select 1 from idempotency_keys k where k.user_id = a.user_id and k.key = a.key)
                for key share of u %s),
            stored as (
                insert into idempotency_keys (user_id, key, fingerprint, order_id, created_at)
                select user_id, key, fingerprint, id, t
                from placeable, (select cast(? as timestamptz) t) now where key is not null),
            %s
            select a.n, p.id, a.free,
                case when p.id is null then (
                    select k.created_at > expiry from idempotency_keys k, expiry
                    where k.user_id = a.user_id and k.key = a.key) end,
                %s
            from asked a left join placeable p on p.n = a.n""".formatted(
                        lockKey.formatted(IdempotencyKeys.LOCK_CLASS), found(ifLocked), ifLocked, INSERTS, REASONS);
    }

    /** Places a group of orders, and tells each its outcome. */
    void insertTogether(List<Placement> group) {
        boolean keyed = group.stream().anyMatch(each -> each.key() != null);
        insert(keyed ? Sql.KEYED_GROUP : Sql.GROUP, group, true);
    }

    /** Places one order, waiting for what somebody has locked for up to lock_timeout. */
    void insertAlone(Placement placement) {
        insert(Sql.ALONE, List.of(placement), true);
    }

    private void insert(Sql sql, List<Placement> group, boolean mayRetry) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(sql.text)) {
            Instant now = clock.instant();
            setParameters(statement, sql != Sql.GROUP, group, now);
            try (ResultSet row = execute(statement)) {
                tell(row, group, now);
            } catch (AutoCommitFailure e) {
                throw e;
            } catch (SQLException | RuntimeException e) {
                throw AutoCommitFailure.afterTheCommit(e);
            }
        } catch (AutoCommitFailure e) {
            if (mayRetry && isUniqueViolation(e)) {
                // Another process has stored a key since the snapshot. A new snapshot shows it.
                insert(sql, group, false);
            } else if (sql != Sql.ALONE && DatabaseFailure.of(e) == DatabaseFailure.DATA) {
                // One of them is at fault, and nothing was placed.
                group.forEach(each -> each.succeed(new Outcome.Skipped()));
            } else {
                group.forEach(each -> each.fail(e));
            }
        } catch (SQLException e) {
            // Without an outcome the statement was not sent. With one, only the closing of the connection failed.
            RuntimeException failure = new IllegalStateException("No database connection to place the order", e);
            group.forEach(each -> each.fail(failure));
        }
    }

    private static boolean isUniqueViolation(AutoCommitFailure e) {
        return e.getCause() instanceof SQLException cause && UNIQUE_VIOLATION.equals(cause.getSQLState());
    }

    private static ResultSet execute(PreparedStatement statement) {
        try {
            return statement.executeQuery();
        } catch (SQLException e) {
            throw new AutoCommitFailure(e);
        }
    }

    private static void tell(ResultSet row, List<Placement> group, Instant now) throws SQLException {
        while (row.next()) {
            Placement placement = group.get(row.getInt(1) - 1);
            long id = row.getLong(2);
            if (!row.wasNull()) {
                placement.place(id, now);
            } else if (!row.getBoolean(3)) {
                placement.succeed(new Outcome.Skipped());
            } else {
                tellReason(placement, row);
            }
        }
    }

    private static void tellReason(Placement placement, ResultSet row) throws SQLException {
        boolean isKeyValid = row.getBoolean(4);
        if (!row.wasNull()) {
            placement.succeed(isKeyValid ? new Outcome.KeyUsed() : new Outcome.KeyExpired());
            return;
        }
        Array names = row.getArray(5);
        Set<String> found = names == null ? Set.of() : Set.of((String[]) names.getArray());
        boolean userExists = row.getBoolean(6);
        if (userExists && found.containsAll(placement.quantities().keySet())) {
            placement.succeed(new Outcome.Skipped());
        } else {
            placement.refuse(found);
        }
    }

    private void setParameters(PreparedStatement statement, boolean keyed, List<Placement> group, Instant now)
            throws SQLException {
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
        OffsetDateTime t = now.atOffset(ZoneOffset.UTC);
        Connection connection = statement.getConnection();
        // Typed arrays, because the driver sends those in binary.
        List<Object> parameters = new ArrayList<>();
        parameters.add(connection.createArrayOf("bigint", userIds.toArray(Long[]::new)));
        parameters.add(connection.createArrayOf("integer", lines.toArray(Integer[]::new)));
        parameters.add(connection.createArrayOf(
                "text", group.stream().map(Placement::placedBy).toArray(String[]::new)));
        if (keyed) {
            parameters.add(connection.createArrayOf(
                    "text", ofKeyed(group, String[]::new, each -> each.key().value())));
            parameters.add(
                    connection.createArrayOf("bytea", ofKeyed(group, byte[][]::new, InsertOrders::fingerprintOf)));
            parameters.add(connection.createArrayOf("integer", ofKeyed(group, Integer[]::new, InsertOrders::lockOf)));
            parameters.add(keys.expiry().atOffset(ZoneOffset.UTC));
        }
        parameters.add(connection.createArrayOf("integer", numbers.toArray(Integer[]::new)));
        parameters.add(connection.createArrayOf("text", names.toArray(String[]::new)));
        parameters.add(connection.createArrayOf("bigint", quantities.toArray(Long[]::new)));
        if (keyed) {
            parameters.add(t);
        }
        parameters.add(t);
        parameters.add(t);
        for (int i = 0; i < parameters.size(); i++) {
            statement.setObject(i + 1, parameters.get(i));
        }
    }

    /** One value for each order, null if it has no key. */
    private static <V> V[] ofKeyed(List<Placement> group, IntFunction<V[]> array, Function<Placement, V> value) {
        return group.stream()
                .map(each -> each.key() == null ? null : value.apply(each))
                .toArray(array);
    }

    private static byte[] fingerprintOf(Placement placement) {
        return Fingerprint.of(placement.userId(), placement.quantities());
    }

    private static int lockOf(Placement placement) {
        return IdempotencyKeys.lockOf(placement.userId(), placement.key());
    }
}
