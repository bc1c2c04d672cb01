package dev.oms.order;

import dev.oms.http.IdempotencyKey;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.hibernate.Session;

/** Which order each key of each user has made. A key that is older than keys are kept is as good as none. */
@ApplicationScoped
class IdempotencyKeys {
    /** "OMSI": the first half of the lock's name; the second stands for the key. */
    private static final int LOCK_CLASS = 0x4F4D5349;

    // The lock ends with the transaction: a session's lock would not survive a pooler in transaction mode.
    private static final String LOCK = "select 1 from pg_advisory_xact_lock(?1, ?2)";

    private static final String FIND = """
            select fingerprint, order_id from idempotency_keys where user_id = ?1 and key = ?2 and created_at > ?3""";

    private static final String STORE = """
            insert into idempotency_keys as stored (user_id, key, fingerprint, order_id, created_at)
            values (?1, ?2, ?3, ?4, ?5)
            on conflict (user_id, key) do update set
                fingerprint = excluded.fingerprint, order_id = excluded.order_id, created_at = excluded.created_at
            where stored.created_at <= ?6""";

    // Another worker's purge is not waited for: it deletes what it has locked. Materialized, for a subquery might run
    // once a row, and each time find others.
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

    /** What a key stands for. */
    record StoredKey(byte[] fingerprint, long orderId) {}

    /**
     * Waits until nobody else is busy with the key, until the transaction ends. Two keys may share a lock by chance,
     * and then wait for each other to no harm.
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

    /** Makes a key that stands for nothing stand for an order. */
    void store(long userId, IdempotencyKey key, byte[] fingerprint, long orderId) {
        int stored = session.createNativeMutationQuery(STORE)
                .setParameter(1, userId)
                .setParameter(2, key.value())
                .setParameter(3, fingerprint)
                .setParameter(4, orderId)
                .setParameter(5, clock.instant())
                .setParameter(6, expiry())
                .executeUpdate();
        if (stored != 1) {
            throw new IllegalStateException("An idempotency key was stored twice: its lock did not hold");
        }
    }

    /**
     * Deletes keys that are kept no longer, oldest first.
     *
     * @return how many; as many as allowed when there may be more
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
