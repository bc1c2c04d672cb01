package dev.oms.rails;

import dev.oms.http.Statements;
import java.io.IOException;
import java.io.StringReader;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.sql.DataSource;
import org.postgresql.PGConnection;

/**
 * The database of OMS, while one run of the import writes it. It is written in short transactions. Each of them first
 * makes sure that no other run has begun since, so that two never write at the same time.
 */
final class Target {
    /** The author of all that the import writes. No API key has such a name. */
    static final String ACTOR = "--import";

    /** "OMSI", in each schema its own. A transaction's lock, because of PgBouncer. */
    private static final String LOCK = "select pg_advisory_xact_lock(x'4F4D5349'::int, hashtext(current_schema()))";

    private static final String IS_EMPTY = """
            select not exists (select 1 from users) and not exists (select 1 from inventory_items)
                and not exists (select 1 from orders)""";

    private static final String IS_FIRST_RUN = "select not exists (select 1 from imports)";

    // All that changes an order or an item writes an event. Processes of the version before, which may still
    // be running, write none for items.
    private static final String IS_UNTOUCHED = """
            select coalesce((select max(id) from users) <= max(last_user_id), true)
                and coalesce((select max(id) from inventory_items) <= max(last_item_id), true)
                and coalesce((select max(id) from orders) <= max(last_order_id), true)
                and not exists (select 1 from events where actor is distinct from '%1$s')
                and not exists (select 1 from stock_movements where actor is distinct from '%1$s')
            from imports""".formatted(ACTOR);

    // Renaming, archiving and deleting items leave neither. Nor do times tell: rows of the import have those of the
    // source, whose clock may differ.
    private static final String ITEMS_DIGEST = """
            select coalesce(sum(hashtextextended(
                concat_ws(' ', id, threshold, archived_at is not null, name), 0)::numeric), 0)
            from inventory_items""";

    // A run that was cut off has left no digest.
    private static final String HAS_SAME_ITEMS = """
            select items_digest is null or items_digest = (%s) from imports order by id desc limit 1""".formatted(ITEMS_DIGEST);

    private static final String OLDEST =
            "select id, created_at from %s where exists (select 1 from imports) order by id limit 1000";

    private static final String MAY_MOVE_SEQUENCES = """
            select bool_and(has_sequence_privilege(name, 'USAGE') and has_sequence_privilege(name, 'UPDATE'))
            from unnest(array['users_id_seq', 'inventory_items_id_seq', 'orders_id_seq']) name""";

    private final DataSource dataSource;
    private long run;

    Target(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    /** What is done in a transaction. */
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /** The highest ids of the source that can be taken over. */
    record LastIds(long user, long item, long order) {}

    String identity() throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            return RailsDatabase.identityOf(connection);
        }
    }

    /** The rows with the lowest ids that earlier runs have taken over, with their times of creation. */
    Map<Long, OffsetDateTime> oldest(String table) throws SQLException {
        return read(connection -> {
            Map<Long, OffsetDateTime> rows = new LinkedHashMap<>();
            try (PreparedStatement statement = Statements.prepare(connection, OLDEST.formatted(table));
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    rows.put(row.getLong(1), row.getObject(2, OffsetDateTime.class));
                }
            }
            return rows;
        });
    }

    /**
     * Begins a run, which ends the one before, and moves the sequences on, so that OMS gives no id that the source has
     * given, but for those that are too high to be taken over.
     *
     * @throws ImportRefused when the database has, or may have, anything that does not come from the source
     */
    void begin(LastIds last, Instant now) throws SQLException {
        run = transact(true, connection -> {
            execute(connection, "set local statement_timeout = 0");
            execute(connection, LOCK);
            if (!isTrue(connection, MAY_MOVE_SEQUENCES)) {
                throw new ImportRefused(
                        "OMS_DB_USER may not move the sequences on; src/main/postgres/roles.sql grants what it needs.");
            }
            if (isTrue(connection, IS_FIRST_RUN)) {
                if (!isTrue(connection, IS_EMPTY)) {
                    throw new ImportRefused(
                            "the database of OMS has users, items or orders already; name an empty one.");
                }
            } else if (!isTrue(connection, IS_UNTOUCHED) || !isTrue(connection, HAS_SAME_ITEMS)) {
                throw new ImportRefused("OMS has been used since the last import, which must not be undone; "
                        + "to start over, name an empty database.");
            }
            moveOn(connection, "users_id_seq", last.user);
            moveOn(connection, "inventory_items_id_seq", last.item);
            moveOn(connection, "orders_id_seq", last.order);
            try (PreparedStatement statement = Statements.prepare(
                            connection, """
                            insert into imports (started_at, last_user_id, last_item_id, last_order_id)
                            values (?, ?, ?, ?) returning id""", now.atOffset(ZoneOffset.UTC), last.user, last.item, last.order);
                    ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        });
    }

    private static void moveOn(Connection connection, String sequence, long id) throws SQLException {
        if (id > 0) {
            try (PreparedStatement statement = Statements.prepare(
                    connection,
                    "select setval('%1$s', greatest(?, pg_sequence_last_value('%1$s')))".formatted(sequence),
                    id)) {
                statement.execute();
            }
        }
    }

    void finish(long rejected, Instant now) throws SQLException {
        inTransaction(connection -> update(
                connection,
                "update imports set finished_at = ?, rejected = ?, items_digest = (%s) where id = ?"
                        .formatted(ITEMS_DIGEST),
                now.atOffset(ZoneOffset.UTC),
                rejected,
                run));
    }

    /**
     * Works in one transaction.
     *
     * @throws ImportRefused when another run has begun
     */
    <T> T inTransaction(Work<T> work) throws SQLException {
        return transact(false, connection -> {
            execute(connection, LOCK);
            if (!isTrue(connection, "select max(id) = %d from imports".formatted(run))) {
                throw new ImportRefused("another import has begun, and goes on where this one stops.");
            }
            return work.run(connection);
        });
    }

    /** @param isPatient whether a statement may take longer than the pool waits for an answer */
    private <T> T transact(boolean isPatient, Work<T> work) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            int timeout = connection.getNetworkTimeout();
            if (isPatient) {
                connection.setNetworkTimeout(Runnable::run, 0);
            }
            connection.setAutoCommit(false);
            try {
                T result = work.run(connection);
                connection.commit();
                connection.setNetworkTimeout(Runnable::run, timeout);
                return result;
            } catch (SQLException | RuntimeException e) {
                try {
                    connection.rollback();
                    connection.setNetworkTimeout(Runnable::run, timeout);
                } catch (SQLException failure) {
                    e.addSuppressed(failure);
                }
                throw e;
            }
        }
    }

    /** Reads, outside a transaction. */
    <T> T read(Work<T> work) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            return work.run(connection);
        }
    }

    private static boolean isTrue(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getBoolean(1);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static int update(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, sql, parameters)) {
            return statement.executeUpdate();
        }
    }

    static Array longs(Connection connection, Collection<Long> values) throws SQLException {
        return connection.createArrayOf("bigint", values.toArray(Long[]::new));
    }

    /** Rows for PostgreSQL's COPY, which inserts them faster than any other statement. */
    static final class Rows {
        private final StringBuilder text = new StringBuilder();
        private final String into;

        /** @param into the table and its columns */
        Rows(String into) {
            this.into = into;
        }

        /** Adds a row. Values are numbers, texts, times or null. */
        void add(Object... values) {
            for (int i = 0; i < values.length; i++) {
                if (i > 0) {
                    text.append('\t');
                }
                switch (values[i]) {
                    case null -> text.append("\\N");
                    case String value -> escape(value);
                    // A time is in UTC, and says so by its Z.
                    case Object value -> text.append(value);
                }
            }
            text.append('\n');
        }

        /** @see <a href="https://www.postgresql.org/docs/current/sql-copy.html">COPY, Text Format</a> */
        private void escape(String value) {
            for (int i = 0; i < value.length(); i++) {
                char c = value.charAt(i);
                switch (c) {
                    case '\\' -> text.append("\\\\");
                    case '\t' -> text.append("\\t");
                    case '\n' -> text.append("\\n");
                    case '\r' -> text.append("\\r");
                    default -> text.append(c);
                }
            }
        }

        void insert(Connection connection) throws SQLException {
            if (!text.isEmpty()) {
                try {
                    connection
                            .unwrap(PGConnection.class)
                            .getCopyAPI()
                            .copyIn("copy " + into + " from stdin", new StringReader(text.toString()));
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }
}
