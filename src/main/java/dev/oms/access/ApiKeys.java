package dev.oms.access;

import dev.oms.http.DatabaseFailure.AutoCommitFailure;
import dev.oms.http.ProblemException;
import dev.oms.http.Statements;
import io.agroal.api.AgroalDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** The stored keys. Whether one has expired is decided by PostgreSQL's clock. */
@ApplicationScoped
class ApiKeys {
    private static final String IS_VALID =
            "revoked_at is null and (expires_at is null or expires_at > clock_timestamp())";

    private static final String COLUMNS = """
            id, name, hint, scopes, user_id, rate, created_by, created_at, expires_at, revoked_at, revoked_by,
            successor_id, last_used_at,
            case when revoked_at is not null then 'revoked'
                when expires_at <= clock_timestamp() then 'expired' else 'active' end""";

    private static final String FIND_VALID = """
            select id, name, scopes, user_id, rate, (extract(epoch from expires_at - clock_timestamp()) * 1000)::bigint
            from api_keys where digest = ? and\s""" + IS_VALID;

    private static final String INSERT = """
            insert into api_keys (name, hint, digest, scopes, user_id, rate, created_by, created_at, expires_at)
            values (?, ?, ?, ?, ?, ?, ?, clock_timestamp(), ?)
            returning\s""" + COLUMNS;

    /** Keys, newest first. */
    private static final String LIST = "select " + COLUMNS + " from api_keys where id < ? order by id desc limit ?";

    private static final String GET = "select " + COLUMNS + " from api_keys where id = ?";

    /** A key that has been revoked already keeps the time and the author of the first revocation. */
    private static final String REVOKE = """
            update api_keys set revoked_at = coalesce(revoked_at, clock_timestamp()),
                revoked_by = case when revoked_at is null then ? else revoked_by end
            where id = ? returning\s""" + COLUMNS;

    /**
     * The successor lives as long as its predecessor was meant to, which never lives longer than it would have. A key
     * has one successor at most: a second would be meant to live no longer than the overlap of the first.
     */
    private static final String ROLL = """
            with old as (select * from api_keys where id = ? and successor_id is null and %s for update),
            successor as (
                insert into api_keys (name, hint, digest, scopes, user_id, rate, created_by, created_at, expires_at)
                select name, ?, ?, scopes, user_id, rate, ?, t, t + (expires_at - created_at)
                from old, (select clock_timestamp() t) now
                returning *),
            ended as (
                update api_keys k
                set successor_id = successor.id,
                    expires_at = least(k.expires_at, clock_timestamp() + ? * interval '1 second')
                from old, successor where k.id = old.id)
            select %s from successor""".formatted(IS_VALID, COLUMNS);

    /** Locks in the order of ids, as every web process does, so that two of them do not deadlock. */
    private static final String TOUCH = """
            with used as (select id from api_keys where id = any(?) order by id for no key update)
            update api_keys k set last_used_at = greatest(k.last_used_at, clock_timestamp())
            from used where k.id = used.id returning k.id""";

    private final AgroalDataSource dataSource;

    ApiKeys(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    /**
     * A key that may be used.
     *
     * @param timeLeft how long it may be, or null for ever
     */
    record ValidKey(long id, String name, Set<String> scopes, Long userId, Integer rate, Duration timeLeft) {}

    /** A key to be stored. */
    record NewKey(
            String name, Collection<String> scopes, Long userId, Integer rate, String createdBy, Instant expiresAt) {}

    Optional<ValidKey> findValid(byte[] digest) {
        return query(ApiKeys::valid, FIND_VALID, digest).stream().findFirst();
    }

    private static ValidKey valid(ResultSet row) throws SQLException {
        Long millisLeft = row.getObject(6, Long.class);
        return new ValidKey(
                row.getLong(1),
                row.getString(2),
                Set.copyOf(texts(row, 3)),
                row.getObject(4, Long.class),
                row.getObject(5, Integer.class),
                millisLeft == null ? null : Duration.ofMillis(millisLeft));
    }

    ApiKey insert(KeySecret secret, NewKey key) {
        return change(
                        INSERT,
                        key.name(),
                        secret.hint(),
                        secret.digest(),
                        key.scopes().stream().sorted().toArray(String[]::new),
                        key.userId(),
                        key.rate(),
                        key.createdBy(),
                        key.expiresAt() == null ? null : key.expiresAt().atOffset(ZoneOffset.UTC))
                .getFirst()
                .withSecret(secret);
    }

    List<ApiKey> list(Long after, int rows) {
        return query(ApiKeys::view, LIST, after == null ? Long.MAX_VALUE : after, rows);
    }

    /** @throws ProblemException 404 when there is no such key */
    ApiKey get(long id) {
        return one(id, query(ApiKeys::view, GET, id));
    }

    /**
     * Revokes a key, if it has not been already.
     *
     * @throws ProblemException 404 when there is no such key
     */
    ApiKey revoke(long id, String revokedBy) {
        return one(id, change(REVOKE, revokedBy, id));
    }

    /**
     * Stores a successor to a key with the same permissions.
     *
     * @param overlapSeconds for how long the old key lives on, at most
     * @throws ProblemException 404 when there is no such key, 409 when it has expired or been revoked, and when it has
     *     a successor already
     */
    ApiKey roll(long id, int overlapSeconds, KeySecret secret, String createdBy) {
        List<ApiKey> successor = change(ROLL, id, secret.hint(), secret.digest(), createdBy, overlapSeconds);
        if (successor.isEmpty()) {
            ApiKey old = get(id);
            throw ProblemException.conflict(
                    old.status().equals("active")
                            ? "API key %d has been rolled already; roll its successor, API key %d."
                                    .formatted(id, old.successorId())
                            : "API key %d is %s.".formatted(id, old.status()),
                    null);
        }
        return successor.getFirst().withSecret(secret);
    }

    /** Records that keys have been used just now. */
    void touch(Collection<Long> ids) {
        query(row -> row.getLong(1), TOUCH, (Object) ids.toArray(Long[]::new));
    }

    private static ApiKey one(long id, List<ApiKey> found) {
        if (found.isEmpty()) {
            throw ProblemException.unknown("API key", id);
        }
        return found.getFirst();
    }

    private static ApiKey view(ResultSet row) throws SQLException {
        return new ApiKey(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                texts(row, 4),
                row.getObject(5, Long.class),
                row.getObject(6, Integer.class),
                row.getString(7),
                instant(row, 8),
                instant(row, 9),
                instant(row, 10),
                row.getString(11),
                row.getObject(12, Long.class),
                instant(row, 13),
                row.getString(14),
                null);
    }

    private static List<String> texts(ResultSet row, int column) throws SQLException {
        Array array = row.getArray(column);
        return Arrays.asList((String[]) array.getArray());
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    private <T> List<T> query(Row<T> view, String sql, Object... parameters) {
        return run(view, e -> new IllegalStateException("API keys cannot be read", e), sql, parameters);
    }

    private List<ApiKey> change(String sql, Object... parameters) {
        return run(ApiKeys::view, AutoCommitFailure::new, sql, parameters);
    }

    private <T> List<T> run(
            Row<T> view, Function<SQLException, RuntimeException> failure, String sql, Object... parameters) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = Statements.prepare(connection, sql, parameters)) {
            return rows(statement, view, failure);
        } catch (SQLException e) {
            throw new IllegalStateException("API keys cannot be read or changed", e);
        }
    }

    private static <T> List<T> rows(
            PreparedStatement statement, Row<T> view, Function<SQLException, RuntimeException> failure) {
        List<T> rows = new ArrayList<>();
        try (ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                rows.add(view.read(row));
            }
        } catch (SQLException e) {
            throw failure.apply(e);
        }
        return rows;
    }
}
