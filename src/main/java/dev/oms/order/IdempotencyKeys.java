package dev.oms.order;

import dev.oms.http.IdempotencyKey;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.hibernate.Session;

/** The order that each key of each user has placed. An expired key counts as absent. */
@ApplicationScoped
class IdempotencyKeys {
    /** "OMSI" in ASCII: the first half of the lock's id. The second half is a hash of the user and the key. */
    private static final int LOCK_CLASS = 0x4F4D5349;

    // Ends with the transaction: a session-level lock does not work through a pooler in transaction mode.
    private static final String LOCK = "select 1 from pg_advisory_xact_lock(?1, ?2)";

    private static final String FIND = """
            select fingerprint, order_id from idempotency_keys where user_id = ?1 and key = ?2 and created_at > ?3""";

    private static final String STORE = """
            insert into idempotency_keys as stored (user_id, key, fingerprint, order_id, created_at)
            values (?1, ?2, ?3, ?4, ?5)
            on conflict (user_id, key) do update set
                fingerprint = excluded.fingerprint, order_id = excluded.order_id, created_at = excluded.created_at
            where stored.created_at <= ?6""";

    // Skips what another worker's purge has locked and will delete. Materialized, because a subquery might run once per
    // row and find different keys each time.
    private static final String PURGE = """
            with old as materialized (
                select user_id, key from idempotency_keys where created_at <= ?1
                order by created_at limit ?2 for update skip locked)
            delete from idempotency_keys stored using old
            where stored.user_id = old.user_id and stored.key = old.key""";

    private final Session session;
    private final IdempotencyConfig config;
    private final Clock clock;

    IdempotencyKeys(Session session, IdempotencyConfig config, Clock clock) {
        this.session = session;
        this.config = config;
        this.clock = clock;
    }

    /** The order that a key placed, and the fingerprint of the request. */
    record StoredKey(byte[] fingerprint, long orderId) {}

    /**
     * Locks the key until the transaction ends, waiting for any other transaction that uses it. Two keys may share a
     * lock by chance; they then wait for each other, which does no harm.
     */
    void lock(long userId, IdempotencyKey key) {
        session.createNativeQuery(LOCK, Integer.class)
                .setParameter(1, LOCK_CLASS)
                .setParameter(2, Objects.hash(userId, key.value()))
                .getSingleResult();
    }

    Optional<StoredKey> find(long userId, IdempotencyKey key) {
        return session.createNativeQuery(FIND, Object[].class)
                .setParameter(1, userId)
                .setParameter(2, key.value())
                .setParameter(3, expiry())
                .getResultStream()
                .map(row -> new StoredKey((byte[]) row[0], (Long) row[1]))
                .findFirst();
    }

    /** Binds an unused or expired key to an order. */
    void store(long userId, IdempotencyKey key, byte[] fingerprint, long orderId) {
        int rows = session.createNativeMutationQuery(STORE)
                .setParameter(1, userId)
                .setParameter(2, key.value())
                .setParameter(3, fingerprint)
                .setParameter(4, orderId)
                .setParameter(5, clock.instant())
                .setParameter(6, expiry())
                .executeUpdate();
        if (rows != 1) {
            throw new IllegalStateException("An idempotency key was stored twice: its lock did not hold");
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

    private Instant expiry() {
        return clock.instant().minus(config.keep());
    }
}
