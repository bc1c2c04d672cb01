package dev.oms.rails;

import dev.oms.http.Statements;
import dev.oms.http.Texts;
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

    // An email address belongs to one user, however it is written: the expression and the condition of V25's index.
    private static final String TAKEN = """
            not exists (
                select 1 from users u
                where lower(normalize(u.email, nfc)) = lower(normalize(w.email, nfc)) and not u.email_shared and u.id <> w.id)
            and not exists (select 1 from users u where u.phone = w.phone and u.id <> w.id)""";

    private static final String ROW =
            "(values (?::bigint, ?, ?, ?, ?::timestamptz, ?::timestamptz)) w (id, name, email, phone, created_at, updated_at)";

    private static final String INSERT = """
            insert into users (id, name, email, phone, created_at, updated_at)
            select * from %s where %s on conflict do nothing""".formatted(ROW, TAKEN);

    private static final String UPDATE = """
            update users set name = w.name, email = w.email, phone = w.phone, created_at = w.created_at, updated_at = w.updated_at
            from %s where users.id = w.id and %s""".formatted(ROW, TAKEN);

    private static final String HOLDER = """
            select id, phone from users
            where (lower(normalize(email, nfc)) = lower(normalize(?, nfc)) and not email_shared or phone = ?) and id <> ?
            order by id limit 1""";

    private final RailsDatabase source;
    private final Target target;
    private final Rejects rejects;
    private final Progress progress;
    private final Instant now;
    private final List<Row> refusedChanges = new ArrayList<>();
    private final List<Row> refusedAdditions = new ArrayList<>();

    ImportUsers(RailsDatabase source, Target target, Rejects rejects, Progress progress, Instant now) {
        this.source = source;
        this.target = target;
        this.rejects = rejects;
        this.progress = progress;
        this.now = now;
    }

    private record Row(long id, String name, String email, String phone, Times times) {
        static Row read(ResultSet row) throws SQLException {
            return new Row(
                    row.getLong(1),
                    RailsDatabase.text(row, 2),
                    RailsDatabase.text(row, 3),
                    RailsDatabase.text(row, 4),
                    Times.read(row, 5));
        }

        /** With the times of an earlier run where the source has none. */
        Row after(Row known) {
            return new Row(id, name, email, phone, times.orElse(known.times));
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
            if (!Texts.isStorable(value)) {
                throw new Unacceptable("has a " + column + " that is not UTF-8: " + Rejects.quote(value));
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
            takeOver(page, known(after, to, page));
            progress.read(page.size());
            after = to;
        } while (page.size() == PAGE);
        retry();
        for (Row row : refusedChanges) {
            reject(row);
        }
        for (Row row : refusedAdditions) {
            reject(row);
        }
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
                    rejects.add(TABLE, row.id, Rejects.GONE);
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

    private void takeOver(List<Row> page, Map<Long, Row> known) throws SQLException {
        List<Row> added = new ArrayList<>();
        List<Row> changed = new ArrayList<>();
        for (Row row : page) {
            Row before = known.get(row.id);
            try {
                source.requireUnique(TABLE, row.id);
                if (!row.matches(before)) {
                    row.require();
                    if (before == null) {
                        added.add(row);
                    } else {
                        changed.add(row.after(before));
                    }
                }
            } catch (Unacceptable e) {
                rejects.add(TABLE, row.id, e.getMessage());
            }
        }
        write(changed, added);
    }

    /** Writes users, and keeps those whose email address or phone another one has. */
    private void write(List<Row> changed, List<Row> added) throws SQLException {
        // Before the new ones, which may have what these have given up.
        List<Row> notChanged = execute(UPDATE, changed);
        progress.changed(changed.size() - notChanged.size());
        refusedChanges.addAll(notChanged);
        List<Row> notAdded = execute(INSERT, added);
        progress.added(added.size() - notAdded.size());
        refusedAdditions.addAll(notAdded);
    }

    /** Tries those again whose email address or phone another one had, as long as somebody gives up what is wanted. */
    private void retry() throws SQLException {
        int before;
        do {
            List<Row> changed = List.copyOf(refusedChanges);
            List<Row> added = List.copyOf(refusedAdditions);
            before = changed.size() + added.size();
            refusedChanges.clear();
            refusedAdditions.clear();
            write(changed, added);
        } while (refusedChanges.size() + refusedAdditions.size() < before);
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

    /** Writes rows one after the other, and returns those that were refused. */
    private List<Row> execute(String sql, List<Row> rows) throws SQLException {
        List<Row> refused = new ArrayList<>();
        for (int from = 0; from < rows.size(); from += PAGE) {
            List<Row> page = rows.subList(from, Math.min(from + PAGE, rows.size()));
            int[] written = target.inTransaction(connection -> {
                try (PreparedStatement statement = connection.prepareStatement(sql)) {
                    for (Row row : page) {
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
            });
            for (int i = 0; i < written.length; i++) {
                if (written[i] == 0) {
                    refused.add(page.get(i));
                }
            }
        }
        return refused;
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
