package dev.oms.rails;

import dev.oms.http.Causes;
import dev.oms.http.Statements;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The database of the Rails service. Everything is read in one transaction, read-only and repeatable read, so that all
 * of it is as it was at one moment. It is read page by page, by primary key.
 */
final class RailsDatabase implements AutoCloseable {
    private static final Map<String, List<String>> COLUMNS = Map.of(
            "users", List.of("id", "name", "email", "phone"),
            "inventory_items", List.of("id", "name", "quantity", "threshold"),
            "orders", List.of("id", "user_id", "status", "items"));

    /**
     * For this transaction only, because of PgBouncer. Times without a zone are UTC in Rails. What may take long is not
     * cut off by the source's time-outs.
     */
    private static final String SETTINGS = """
            set transaction isolation level repeatable read, read only; set local time zone 'UTC';
            set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0""";

    /** Tells whether two connections lead to the same tables. */
    static final String IDENTITY =
            "select concat_ws(' ', pg_postmaster_start_time(), current_database(), to_regclass('orders')::oid)";

    private static final int CONNECT_TIMEOUT_SECONDS = 5;

    /** A server that is silent for longer is gone. No statement reads more than a page. */
    private static final int SOCKET_TIMEOUT_SECONDS = 300;

    private final Connection connection;
    private final String users;
    private final String items;
    private final String orders;

    private RailsDatabase(Connection connection) throws SQLException {
        this.connection = connection;
        Map<String, Set<String>> found = Map.of(
                "users", columns("users"),
                "inventory_items", columns("inventory_items"),
                "orders", columns("orders"));
        users = page("id, name::text, email::text, phone::text", "users", found);
        items = page("id, name::text, quantity::text, threshold::text", "inventory_items", found);
        orders = page("id, user_id, status::text, items::text", "orders", found);
    }

    /** What is done with each row of a page. */
    interface EachRow {
        void read(ResultSet row) throws SQLException;
    }

    /**
     * Connects, and begins the transaction.
     *
     * @param target the identity of the database of OMS, which must be another one
     * @throws ImportRefused when it cannot be reached or read, has other tables, or is the target
     */
    static RailsDatabase connect(String url, Optional<String> user, Optional<String> password, String target) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(url);
        user.ifPresent(dataSource::setUser);
        password.ifPresent(dataSource::setPassword);
        dataSource.setTcpKeepAlive(true);
        dataSource.setConnectTimeout(CONNECT_TIMEOUT_SECONDS);
        dataSource.setSocketTimeout(SOCKET_TIMEOUT_SECONDS);
        dataSource.setApplicationName("oms-import");
        Connection connection;
        try {
            connection = dataSource.getConnection();
        } catch (SQLException e) {
            String state = String.valueOf(e.getSQLState());
            throw new ImportRefused(
                    state.startsWith("28") || String.valueOf(e.getMessage()).contains("password")
                            ? "the source rejects OMS_IMPORT_USER or OMS_IMPORT_PASSWORD: " + reason(e)
                            : "the source cannot be reached: " + reason(e),
                    e);
        }
        try {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute(SETTINGS);
            }
            requireAnother(connection, target);
            return new RailsDatabase(connection);
        } catch (SQLException | ImportRefused e) {
            close(connection);
            throw e instanceof ImportRefused refused
                    ? refused
                    : new ImportRefused("the source cannot be read: " + reason(e), e);
        }
    }

    private static void requireAnother(Connection connection, String target) throws SQLException {
        if (identityOf(connection).equals(target)) {
            throw new ImportRefused("the source is the database of OMS itself; name that of the Rails service.");
        }
    }

    static String identityOf(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(IDENTITY);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getString(1);
        }
    }

    /** On one line, and with the reason that the driver has wrapped. */
    static String reason(Exception e) {
        String message = String.valueOf(e.getMessage());
        String root = String.valueOf(Causes.root(e).getMessage());
        return (message.contains(root) ? message : message + " " + root).strip().replaceAll("\\s*\\R\\s*", " ");
    }

    private Set<String> columns(String table) throws SQLException {
        Set<String> columns = new HashSet<>();
        try (PreparedStatement statement = Statements.prepare(
                        connection,
                        "select attname from pg_attribute where attrelid = to_regclass(?) and attnum > 0 and not attisdropped",
                        table);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                columns.add(row.getString(1));
            }
        }
        if (columns.isEmpty()) {
            throw new ImportRefused("the source has no table " + table + "; is it the database of the Rails service?");
        }
        for (String column : COLUMNS.get(table)) {
            if (!columns.contains(column)) {
                throw new ImportRefused("the source has no column " + table + "." + column + ".");
            }
        }
        return columns;
    }

    /** The query for a page of a table, which is tried once: it may not be allowed. */
    private String page(String columns, String table, Map<String, Set<String>> found) throws SQLException {
        List<String> all = new ArrayList<>(List.of(columns));
        for (String time : List.of("created_at", "updated_at")) {
            all.add((found.get(table).contains(time) ? time : "null") + "::timestamptz");
        }
        String query =
                "select " + String.join(", ", all) + " from " + table + " where id > ? and id <= ? order by id limit ?";
        read(query, 0, 0, 0, row -> {});
        return query;
    }

    /** The highest id of a table, but for those above a maximum, or 0. */
    long lastId(String table, long max) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(
                        connection, "select coalesce(max(id), 0) from " + table + " where id between 1 and ?", max);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Which of these users there are, taken over or not. */
    Set<Long> existingUsers(Set<Long> ids) throws SQLException {
        Set<Long> existing = new HashSet<>();
        if (!ids.isEmpty()) {
            try (PreparedStatement statement = Statements.prepare(
                            connection,
                            "select id from users where id = any(?)",
                            connection.createArrayOf("bigint", ids.toArray(Long[]::new)));
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    existing.add(row.getLong(1));
                }
            }
        }
        return existing;
    }

    /** Columns: id, name, email, phone, created_at, updated_at. */
    void readUsers(long after, long to, int rows, EachRow each) throws SQLException {
        read(users, after, to, rows, each);
    }

    /** Columns: id, name, quantity and threshold as text, created_at, updated_at. */
    void readItems(long after, long to, int rows, EachRow each) throws SQLException {
        read(items, after, to, rows, each);
    }

    /** Columns: id, user_id, status, items as text, created_at, updated_at. */
    void readOrders(long after, long to, int rows, EachRow each) throws SQLException {
        read(orders, after, to, rows, each);
    }

    private void read(String query, long after, long to, int rows, EachRow each) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, query, after, to, rows);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                each.read(row);
            }
        }
    }

    @Override
    public void close() {
        close(connection);
    }

    private static void close(Connection connection) {
        try {
            connection.close();
        } catch (SQLException e) {
            // Nothing was changed that could be lost.
        }
    }
}
