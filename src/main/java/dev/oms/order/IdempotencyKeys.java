package dev.oms.order;

import dev.oms.http.IdempotencyKey;
import io.agroal.api.AgroalDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Objects;
import java.util.Optional;
import org.hibernate.Session;

/** The order that each key of each user has placed. An expired key counts as absent. */
@ApplicationScoped
class IdempotencyKeys {
    /** "OMSI" in ASCII: the first half of the lock's id. The second half is a hash of the user and the key. */
    static final int LOCK_CLASS = 0x4F4D5349;

    private static final String FIND = """
            select fingerprint, order_id from idempotency_keys where user_id = ? and key = ? and created_at > ?""";

    private static final String DELETE_EXPIRED = """
            delete from idempotency_keys where user_id = ? and key = ? and created_at <= ?""";

    // Skips what another worker's purge has locked and will delete. Materialized, because a subquery might run once per
    // row and find different keys each time.
    private static final String PURGE = """
            with old as materialized (
                select user_id, key from idempotency_keys where created_at <= ?1
                order by created_at limit ?2 for update skip locked)
            delete from idempotency_keys stored using old
            where stored.user_id = old.user_id and stored.key = old.key""";

    private final AgroalDataSource dataSource;
    private final Session session;
    private final IdempotencyConfig config;
    private final Clock clock;

    IdempotencyKeys(AgroalDataSource dataSource, Session session, IdempotencyConfig config, Clock clock) {
        this.dataSource = dataSource;
        this.session = session;
        this.config = config;
        this.clock = clock;
    }

    /** The order that a key placed, and the fingerprint of the request. */
    record StoredKey(byte[] fingerprint, long orderId) {}

    /**
     * The second half of the id of the advisory lock that a transaction holds while it may place an order with the key.
     * It ends with the transaction: a session-level lock does not work through a pooler in transaction mode. Two keys
     * may share a lock by chance; they then wait for each other, which does no harm.
     */
    static int lockOf(long userId, IdempotencyKey key) {
        return Objects.hash(userId, key.value());
    }

    Optional<StoredKey> find(long userId, IdempotencyKey key) {
        // Plain JDBC, which returns the connection before the order is read with another one.
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(FIND)) {
            statement.setLong(1, userId);
            statement.setString(2, key.value());
            statement.setObject(3, expiry().atOffset(ZoneOffset.UTC));
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Optional.of(new StoredKey(row.getBytes(1), row.getLong(2))) : Optional.empty();
            }
        } catch (SQLException e) {
            throw new IllegalStateException("An idempotency key cannot be read", e);
        }
    }

    /** Deletes a key if it has expired. */
    void deleteExpired(long userId, IdempotencyKey key) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(DELETE_EXPIRED)) {
            statement.setLong(1, userId);
            statement.setString(2, key.value());
            statement.setObject(3, expiry().atOffset(ZoneOffset.UTC));
            statement.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException("An idempotency key cannot be deleted", e);
        }
    }

    /**
     * Deletes expired keys, oldest first.
     *
     * @return how many were deleted; if it is {@code max}, there may be more
     */
    int purge(int max) {
        return session.createNativeMutationQuery(PURGE)
                .setParameter(1, expiry())
                .setParameter(2, max)
                .executeUpdate();
    }

    /** Keys that were stored at this time or earlier have expired. */
    Instant expiry() {
        return clock.instant().minus(config.keep());
    }
}
