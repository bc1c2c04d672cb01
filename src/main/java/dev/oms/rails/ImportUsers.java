package dev.oms.rails;

import dev.oms.http.Statements;
import dev.oms.http.Texts;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Takes over the users: those that are new, and those that have changed since the last run. */
final class ImportUsers {
    static final String TABLE = "users";

    private static final int PAGE = 5_000;

    private static final String KNOWN =
            "select id, name, email, phone, created_at, updated_at from users where id > ? and id <= ? order by id limit ?";

    /** Of some ids, those that are users. */
    private static final String EXISTING = "select id from users where id = any(?)";

    // An e-mail address belongs to one user, however it is written: the expression and the condition of V25's index.
    private static final String TAKEN = """
            not exists (
                select 1 from users u
                where lower(normalize(u.email, nfc)) = lower(normalize(w.email, nfc)) and not u.email_shared and u.id <> w.id)
            and not exists (select 1 from users u where u.phone = w.phone and u.id <> w.id)""";

    private static final String INSERT = """
            with w as (select * from unnest(?, ?, ?, ?, ?, ?) w (id, name, email, phone, created_at, updated_at))
            insert into users (id, name, email, phone, created_at, updated_at)
            select id, name, email, phone, created_at::timestamptz, updated_at::timestamptz from w
            where not exists (
                select 1 from w o where lower(normalize(o.email, nfc)) = lower(normalize(w.email, nfc)) and o.id < w.id)
            and %s
            order by id on conflict do nothing returning id""".formatted(TAKEN);

    private static final String UPDATE = """
            update users set name = w.name, email = w.email, phone = w.phone, created_at = w.created_at, updated_at = w.updated_at
            from (values (?::bigint, ?, ?, ?, ?::timestamptz, ?::timestamptz)) w (id, name, email, phone, created_at, updated_at)
            where users.id = w.id and %s""".formatted(TAKEN);

    private static final String HOLDER = """
            select id, phone from users
            where (lower(normalize(email, nfc)) = lower(normalize(?, nfc)) and not email_shared or phone = ?) and id <> ?
            order by id limit 1""";

    private final RailsDatabase source;
    private final Target target;
    private final Rejects rejects;
    private final Progress progress;
    private final Instant now;

    ImportUsers(RailsDatabase source, Target target, Rejects rejects, Progress progress, Instant now) {
        this.source = source;
        this.target = target;
        this.rejects = rejects;
        this.progress = progress;
        this.now = now;
    }

    private record Row(long id, String name, String email, String phone, Times times) {
        static Row read(ResultSet row) throws SQLException {
            return new Row(row.getLong(1), row.getString(2), row.getString(3), row.getString(4), Times.read(row, 5));
        }

        boolean matches(Row known) {
            return known != null
                    && known.name.equals(name)
                    && known.email.equals(email)
                    && known.phone.equals(phone)
                    && times.match(known.times);
        }

        void require() throws Unacceptable {
            Ids.require(id, Ids.MAX);
            require("name", name);
            require("email", email);
            require("phone", phone);
            times.require();
        }

        private static void require(String column, String value) throws Unacceptable {
            if (value == null || value.isBlank()) {
                throw new Unacceptable("has no " + column);
            }
            if (value.length() > Texts.NAME_MAX) {
                throw new Unacceptable("has a " + column + " of more than " + Texts.NAME_MAX + " characters");
            }
        }
    }

    void run() throws SQLException {
        long after = Long.MIN_VALUE;
        List<Row> page;
        do {
            page = new ArrayList<>();
            List<Row> rows = page;
            source.readUsers(after, Long.MAX_VALUE, PAGE, row -> rows.add(Row.read(row)));
            boolean isLast = page.size() < PAGE;
            long to = isLast ? Long.MAX_VALUE : page.getLast().id;
            write(page, known(after, to, page));
            progress.read(page.size());
            after = to;
        } while (page.size() == PAGE);
    }

    /**
     * Those of a page that an earlier run has taken over. Lists those that are gone: there may be any number of them.
     */
    private Map<Long, Row> known(long after, long to, List<Row> page) throws SQLException {
        Set<Long> found = page.stream().map(Row::id).collect(Collectors.toSet());
        Map<Long, Row> known = new HashMap<>();
        long last = after;
        List<Row> rows;
        do {
            rows = knownRows(last, to);
            for (Row row : rows) {
                last = row.id;
                if (found.contains(row.id)) {
                    known.put(row.id, row);
                } else {
                    rejects.add(TABLE, row.id, Progress.GONE);
                }
            }
        } while (rows.size() == PAGE);
        return known;
    }

    private List<Row> knownRows(long after, long to) throws SQLException {
        return target.read(connection -> {
            List<Row> rows = new ArrayList<>();
            try (PreparedStatement statement = Statements.prepare(connection, KNOWN, after, to, PAGE);
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    rows.add(Row.read(row));
                }
            }
            return rows;
        });
    }

    private void write(List<Row> page, Map<Long, Row> known) throws SQLException {
        List<Row> added = new ArrayList<>();
        List<Row> changed = new ArrayList<>();
        for (Row row : page) {
            Row before = known.get(row.id);
            try {
                if (!row.matches(before)) {
                    row.require();
                    (before == null ? added : changed).add(row);
                }
            } catch (Unacceptable e) {
                rejects.add(TABLE, row.id, e.getMessage());
            }
        }
        // Before the new ones, which may have what these have given up.
        int[] updated =
                changed.isEmpty() ? new int[0] : target.inTransaction(connection -> update(connection, changed));
        for (int i = 0; i < updated.length; i++) {
            if (updated[i] == 0) {
                reject(changed.get(i));
            } else {
                progress.changed(1);
            }
        }
        if (!added.isEmpty()) {
            Set<Long> inserted = target.inTransaction(connection -> insert(connection, added));
            for (Row row : added) {
                // Once more, alone: what was in its way may have been another row of the page, itself not inserted.
                if (!inserted.contains(row.id)
                        && target.inTransaction(connection -> insert(connection, List.of(row)))
                                .isEmpty()) {
                    reject(row);
                } else {
                    progress.added(1);
                }
            }
        }
    }

    private void reject(Row row) throws SQLException {
        rejects.add(TABLE, row.id, target.read(connection -> {
            try (PreparedStatement statement = Statements.prepare(connection, HOLDER, row.email, row.phone, row.id);
                    ResultSet holder = statement.executeQuery()) {
                if (!holder.next()) {
                    return "has an email or phone that another user has";
                }
                return "has the same %s as user %d"
                        .formatted(row.phone.equals(holder.getString(2)) ? "phone" : "email", holder.getLong(1));
            }
        }));
    }

    private Set<Long> insert(Connection connection, List<Row> rows) throws SQLException {
        Set<Long> inserted = new HashSet<>();
        try (PreparedStatement statement = Statements.prepare(
                        connection,
                        INSERT,
                        Target.longs(connection, rows.stream().map(Row::id).toList()),
                        connection.createArrayOf(
                                "text", rows.stream().map(Row::name).toArray()),
                        connection.createArrayOf(
                                "text", rows.stream().map(Row::email).toArray()),
                        connection.createArrayOf(
                                "text", rows.stream().map(Row::phone).toArray()),
                        connection.createArrayOf(
                                "text",
                                rows.stream()
                                        .map(row ->
                                                row.times.orElse(now).created().toString())
                                        .toArray()),
                        connection.createArrayOf(
                                "text",
                                rows.stream()
                                        .map(row ->
                                                row.times.orElse(now).updated().toString())
                                        .toArray()));
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                inserted.add(row.getLong(1));
            }
        }
        return inserted;
    }

    /** How many rows each update has changed: none when another user has the e-mail address or the phone. */
    private int[] update(Connection connection, List<Row> rows) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(UPDATE)) {
            for (Row row : rows) {
                Times times = row.times.orElse(now);
                statement.setLong(1, row.id);
                statement.setString(2, row.name);
                statement.setString(3, row.email);
                statement.setString(4, row.phone);
                statement.setObject(5, times.created().atOffset(ZoneOffset.UTC));
                statement.setObject(6, times.updated().atOffset(ZoneOffset.UTC));
                statement.addBatch();
            }
            return statement.executeBatch();
        }
    }

    /** Of some users, those that have been taken over. */
    static Set<Long> existing(Target target, Set<Long> ids) throws SQLException {
        return target.read(connection -> {
            Set<Long> existing = new HashSet<>();
            try (PreparedStatement statement = Statements.prepare(connection, EXISTING, Target.longs(connection, ids));
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    existing.add(row.getLong(1));
                }
            }
            return existing;
        });
    }
}
