package dev.oms.rails;

import dev.oms.http.Causes;
import dev.oms.http.Statements;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
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

    private static final String ELSEWHERE = """
            select nspname, has_schema_privilege(n.oid, 'USAGE') from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where relname = ? and relkind in ('r', 'p', 'v', 'm', 'f') and nspname !~ '^(pg_|information_schema$)'
            order by 2, 1""";

    private static final String UNIQUE = """
            select 1 from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            where i.indrelid = to_regclass(?) and a.attname = 'id' and i.indnkeyatts = 1 and i.indisunique and i.indisvalid
                and i.indpred is null""";

    private static final String REPEATED = "select id from %s where id is not null group by id having count(*) > 1";

    private static final int CONNECT_TIMEOUT_SECONDS = 5;

    /** A server that is silent for longer is gone. No statement reads more than a page. */
    private static final int SOCKET_TIMEOUT_SECONDS = 300;

    private final Connection connection;
    private final boolean checksNoBytes;
    private final Map<String, Set<String>> columns;
    private final String users;
    private final String items;
    private final String orders;
    private final Map<String, Set<Long>> repeated = new HashMap<>();

    private RailsDatabase(Connection connection) throws SQLException {
        this.connection = connection;
        checksNoBytes = isAscii(connection);
        columns = Map.of(
                "users", columns("users"),
                "inventory_items", columns("inventory_items"),
                "orders", columns("orders"));
        users = page(List.of("id", text("name"), text("email"), text("phone")), "users");
        items = page(List.of("id", text("name"), text("quantity"), text("threshold")), "inventory_items");
        orders = page(List.of("id", "user_id", text("status"), text("items")), "orders");
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

    private static boolean isAscii(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("show server_encoding");
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getString(1).equals("SQL_ASCII");
        }
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
            throw new ImportRefused(whyThereIsNo(table));
        }
        for (String column : COLUMNS.get(table)) {
            if (!columns.contains(column)) {
                throw new ImportRefused("the source has no column " + table + "." + column + ".");
            }
        }
        return columns;
    }

    /** PostgreSQL does not find tables in schemas that the user has no right to use. */
    private String whyThereIsNo(String table) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, ELSEWHERE, table);
                ResultSet row = statement.executeQuery()) {
            if (!row.next()) {
                return "the source has no table " + table + "; is it the database of the Rails service?";
            }
            String schema = row.getString(1);
            return row.getBoolean(2)
                    ? "the source has the table %s in the schema %s; add currentSchema=%2$s to the parameters of its URL."
                            .formatted(table, schema)
                    : "the source has the table %s in the schema %s, which its user may not use: grant usage on it."
                            .formatted(table, schema);
        }
    }

    /** A database that checks no bytes may have any: they are read as they are. */
    private String text(String column) {
        return checksNoBytes ? "convert_to(" + column + "::text, 'SQL_ASCII')" : column + "::text";
    }

    /** Reads a text. Bytes that are not UTF-8 become halves of surrogate pairs, which OMS stores nowhere. */
    static String text(ResultSet row, int column) throws SQLException {
        if (!(row.getObject(column) instanceof byte[] bytes)) {
            return row.getString(column);
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPLACE)
                    .replaceWith("\ud800")
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The query for a page of a table, which is tried once: it may not be allowed. */
    private String page(List<String> texts, String table) throws SQLException {
        Set<Long> several = isUnique(table) ? Set.of() : ids(REPEATED.formatted(table));
        repeated.put(table, several);
        List<String> all = new ArrayList<>(texts);
        for (String time : List.of("created_at", "updated_at")) {
            all.add((columns.get(table).contains(time) ? time : "null") + "::timestamptz");
        }
        // One of the rows with one id is enough to list the id, and pages go from one id to the next.
        String query = "select %s%s from %s where id > ? and id <= ? order by id limit ?"
                .formatted(several.isEmpty() ? "" : "distinct on (id) ", String.join(", ", all), table);
        read(query, 0, 0, 0, row -> {});
        return query;
    }

    /** Whether an index sees to it that no two rows have one id. */
    private boolean isUnique(String table) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, UNIQUE, table);
                ResultSet row = statement.executeQuery()) {
            return row.next();
        }
    }

    private Set<Long> ids(String query, Object... parameters) throws SQLException {
        Set<Long> ids = new HashSet<>();
        try (PreparedStatement statement = Statements.prepare(connection, query, parameters);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                ids.add(row.getLong(1));
            }
        }
        return ids;
    }

    boolean isRepeated(String table, long id) {
        return repeated.get(table).contains(id);
    }

    /** Rejects an id that several rows have: which of them is meant? */
    void requireUnique(String table, long id) throws Unacceptable {
        if (isRepeated(table, id)) {
            throw new Unacceptable("has an id that more than one row has");
        }
    }

    /**
     * Whether a table has a row with the id and the time of creation of one of these, or with its id and no such time.
     */
    boolean hasAnyOf(String table, Map<Long, OffsetDateTime> rows) throws SQLException {
        String created = columns.get(table).contains("created_at") ? "created_at" : "null";
        try (PreparedStatement statement = Statements.prepare(
                        connection,
                        "select 1 from unnest(?, ?) k (key, time) join %s on id = k.key where coalesce(%s::timestamptz = k.time, true) limit 1"
                                .formatted(table, created),
                        Target.longs(connection, rows.keySet()),
                        connection.createArrayOf("timestamptz", rows.values().toArray()));
                ResultSet row = statement.executeQuery()) {
            return row.next();
        }
    }

    /** How many rows of a table have no id. */
    long withoutId(String table) throws SQLException {
        try (PreparedStatement statement =
                        Statements.prepare(connection, "select count(*) from " + table + " where id is null");
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
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
        return ids.isEmpty() ? Set.of() : ids("select id from users where id = any(?)", Target.longs(connection, ids));
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
