package dev.oms.event;

import dev.oms.Ledger;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicLong;

/** Events that tests write by SQL, of subjects that nobody else has. */
final class FeedRows {
    private static final AtomicLong SUBJECTS =
            new AtomicLong(1_000_000_000_000L + System.nanoTime() % 1_000_000_000L * 1_000);

    private FeedRows() {}

    /** The first of a thousand ids. */
    static long subjects() {
        return SUBJECTS.getAndAdd(1_000);
    }

    /** Inserts an event, and returns its position. */
    static long insert(Connection connection, long subject, long version, String type) throws SQLException {
        return number(connection, """
                insert into events (subject, subject_id, version, type, actor, detail)
                values ('order', %d, %d, '%s', 'tests', '{"of":"tests"}') returning position""".formatted(subject, version, type));
    }

    static long insert(Ledger ledger, long subject, long version, String type) {
        try (Connection connection = ledger.connect()) {
            return insert(connection, subject, version, type);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Takes a position without an event. */
    static long take(Connection connection) throws SQLException {
        return number(connection, "select nextval(pg_get_serial_sequence('events', 'position'))");
    }

    static long number(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getLong(1);
        }
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
