package dev.oms.webhook;

import dev.oms.http.Statements;
import dev.oms.webhook.Endpoint.Row;
import dev.oms.webhook.Message.Subject;
import io.agroal.api.AgroalDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/**
 * Decides which worker sends to which endpoint. A worker has the lease of an endpoint for 30 s, by PostgreSQL's clock,
 * and renews it. Times leave PostgreSQL as durations, so that the workers' clocks do not matter.
 *
 * <p>Each of {@code n} workers takes no more than an {@code n}-th of the endpoints, rounded up, and gives back what it
 * has beyond that. It leaves an endpoint to others if it cannot read its secret or URL.
 */
@ApplicationScoped
class WebhookLeases {
    static final Duration LEASE = Duration.ofSeconds(30);

    private static final Logger LOG = Logger.getLogger(WebhookLeases.class);

    private static final int WORKER_DEAD_SECONDS = 10;

    private static final String APPEAR = """
            insert into webhook_workers values (?, clock_timestamp())
            on conflict (lease) do update set seen_at = clock_timestamp()""";

    private static final String FORGET_DEAD =
            "delete from webhook_workers where seen_at < clock_timestamp() - interval '1 hour'";

    private static final String COUNTS = """
            select ceil(count(*) filter (where disabled_at is null)::numeric / greatest(1, (
                    select count(*) from webhook_workers
                    where seen_at > clock_timestamp() - ? * interval '1 s')))::integer,
                count(*) filter (where disabled_reason in ('gone', 'failing')),
                count(*) filter (
                    where disabled_at is null and greatest(lease_until, updated_at) < clock_timestamp() - interval '1 min')
            from webhook_endpoints""";

    /** In the order of ids, as whoever changes several rows locks them: two at once cannot block each other. */
    private static final String KEEP = """
            update webhook_endpoints set lease_until = clock_timestamp() + ? * interval '1 s'
            where id in (
                select id from webhook_endpoints
                where lease = ? and disabled_at is null and id = any(?) order by id for update)
            returning id""";

    private static final String TAKE = """
            update webhook_endpoints e set lease = ?, lease_until = clock_timestamp() + ? * interval '1 s'
            where id in (
                select id from webhook_endpoints
                where disabled_at is null and not id = any(?)
                    and (lease is null or lease = ? or lease_until < clock_timestamp())
                order by lease_until nulls first, id limit ? for update skip locked)
            returning id, url, types, secret,
                case when previous_secret_until > clock_timestamp() then previous_secret end,
                extract(epoch from previous_secret_until - clock_timestamp()) * 1000,
                position, failures,
                extract(epoch from probe_at - clock_timestamp()) * 1000,
                extract(epoch from clock_timestamp() - failing_since) * 1000, updated_at, %s""".formatted(SaveProgress.SUBSCRIPTION);

    private static final String UNCHANGED = """
            select id from webhook_endpoints join unnest(?::bigint[], ?::timestamptz[]) v (id, updated_at)
                using (id, updated_at)
            where disabled_at is null""";

    private static final String SECRETS = "select id, secret from webhook_endpoints where disabled_at is null";

    private static final String RETRIES = """
            select r.endpoint_id, r.position, r.subject, r.subject_id, e.created_at, r.attempt,
                extract(epoch from r.next_attempt_at - clock_timestamp()) * 1000
            from webhook_retries r left join events e on e.position = r.position
            where r.endpoint_id = any(?) order by r.endpoint_id, r.position""";

    // Keeps the time, so that a webhook that was given back just now does not count as unattended.
    private static final String RELEASE = """
            update webhook_endpoints set lease = null, lease_until = clock_timestamp()
            where id in (select id from webhook_endpoints where lease = ? and id = any(?) order by id for update)""";

    private static final String DISAPPEAR = "delete from webhook_workers where lease = ?";

    private final AgroalDataSource dataSource;
    private final Secrets secrets;

    /**
     * Endpoints that this process cannot send to, with the time of their last change: it leaves them to others until
     * they are changed.
     */
    private final Map<Long, OffsetDateTime> unusable = new ConcurrentHashMap<>();

    WebhookLeases(AgroalDataSource dataSource, Secrets secrets) {
        this.dataSource = dataSource;
        this.secrets = secrets;
    }

    /**
     * What a worker has.
     *
     * @param kept of those that it had
     * @param taken new ones
     */
    record Held(Set<Long> kept, List<Row> taken, Counts counts) {}

    /**
     * How many endpoints there are.
     *
     * @param share that a worker should have at most
     * @param disabled that workers have disabled
     * @param unattended that no worker has had for a minute
     */
    record Counts(int share, int disabled, int unattended) {}

    /**
     * Renews the leases that this worker still has, and takes more while it has less than its share.
     *
     * @param lease the token of this worker
     * @param held the endpoints to keep
     * @param others endpoints not to take either
     */
    Held renew(UUID lease, Collection<Long> held, Collection<Long> others) {
        try (Connection connection = dataSource.getConnection()) {
            forgetChanged(connection);
            if (held.isEmpty() && !unusable.isEmpty() && !canDecryptAny(connection)) {
                // Its key is wrong. The other workers take its share.
                update(connection, DISAPPEAR, lease);
            } else {
                update(connection, APPEAR, lease);
            }
            update(connection, FORGET_DEAD);
            Counts counts = counts(connection);
            Set<Long> kept = new HashSet<>();
            try (PreparedStatement statement =
                            Statements.prepare(connection, KEEP, LEASE.toSeconds(), lease, array(connection, held));
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    kept.add(row.getLong(1));
                }
            }
            Set<Long> busy = new HashSet<>(held);
            busy.addAll(others);
            busy.addAll(unusable.keySet());
            int free = counts.share - kept.size();
            List<Row> taken = free > 0 ? take(connection, lease, busy, free) : List.of();
            return new Held(kept, taken, counts);
        } catch (SQLException e) {
            throw new IllegalStateException("The leases of webhooks cannot be renewed", e);
        }
    }

    /** For a worker that sends nothing. */
    Counts counts() {
        try (Connection connection = dataSource.getConnection()) {
            return counts(connection);
        } catch (SQLException e) {
            throw new IllegalStateException("Webhooks cannot be counted", e);
        }
    }

    private static Counts counts(Connection connection) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, COUNTS, WORKER_DEAD_SECONDS);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return new Counts(row.getInt(1), row.getInt(2), row.getInt(3));
        }
    }

    private void forgetChanged(Connection connection) throws SQLException {
        if (unusable.isEmpty()) {
            return;
        }
        Map<Long, OffsetDateTime> known = Map.copyOf(unusable);
        List<Long> ids = List.copyOf(known.keySet());
        Object[] times = ids.stream().map(known::get).toArray();
        Set<Long> unchanged = new HashSet<>();
        try (PreparedStatement statement = Statements.prepare(
                        connection, UNCHANGED, array(connection, ids), connection.createArrayOf("timestamptz", times));
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                unchanged.add(row.getLong(1));
            }
        }
        unusable.keySet().retainAll(unchanged);
    }

    private boolean canDecryptAny(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(SECRETS);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                try {
                    secrets.decrypt(row.getLong(1), row.getBytes(2));
                    return true;
                } catch (IllegalStateException e) {
                    // Perhaps another.
                    continue;
                }
            }
            return false;
        }
    }

    private List<Row> take(Connection connection, UUID lease, Collection<Long> busy, int limit) throws SQLException {
        Map<Long, Row> rows = new LinkedHashMap<>();
        List<Long> toRelease = new ArrayList<>();
        try (PreparedStatement statement = Statements.prepare(
                        connection, TAKE, lease, LEASE.toSeconds(), array(connection, busy), lease, limit);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                long id = row.getLong(1);
                try {
                    rows.put(id, row(row));
                } catch (IllegalArgumentException | IllegalStateException e) {
                    LOG.errorf("This worker cannot send to webhook %d: %s", id, e.getMessage());
                    unusable.put(id, row.getObject(11, OffsetDateTime.class));
                    toRelease.add(id);
                }
            }
        }
        if (!toRelease.isEmpty()) {
            update(connection, RELEASE, lease, array(connection, toRelease));
        }
        if (!rows.isEmpty()) {
            readRetries(connection, rows);
        }
        return List.copyOf(rows.values());
    }

    private static void readRetries(Connection connection, Map<Long, Row> rows) throws SQLException {
        long nowNanos = System.nanoTime();
        try (PreparedStatement statement = Statements.prepare(connection, RETRIES, array(connection, rows.keySet()));
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                OffsetDateTime createdAt = row.getObject(5, OffsetDateTime.class);
                Instant created = createdAt == null ? null : createdAt.toInstant();
                Long dueMillis = millis(row, 7);
                long dueNanos = dueMillis == null
                        ? Delivery.NOT_DUE
                        : nowNanos + Duration.ofMillis(dueMillis).toNanos();
                rows.get(row.getLong(1))
                        .retries()
                        .add(new Delivery(
                                row.getLong(2),
                                new Subject(row.getString(3), row.getLong(4)),
                                created,
                                row.getInt(6),
                                dueNanos));
            }
        }
    }

    /**
     * @throws IllegalStateException when the secret cannot be decrypted
     * @throws IllegalArgumentException when the URL is none, as one that another version has accepted may be
     */
    private Row row(ResultSet row) throws SQLException {
        long id = row.getLong(1);
        Long oldSecretMillis = millis(row, 6);
        return new Row(
                id,
                WebhookUrl.parse(row.getString(2)),
                Set.copyOf(Arrays.asList((String[]) row.getArray(3).getArray())),
                row.getString(12),
                decrypt(id, row.getBytes(4), row.getBytes(5)),
                oldSecretMillis == null ? 0 : oldSecretMillis,
                row.getLong(7),
                row.getInt(8),
                millis(row, 9),
                millis(row, 10),
                new ArrayList<>());
    }

    private List<SigningSecret> decrypt(long id, byte[] secret, byte[] previous) {
        SigningSecret current = secrets.decrypt(id, secret);
        if (previous == null) {
            return List.of(current);
        }
        try {
            return List.of(current, secrets.decrypt(id, previous));
        } catch (IllegalStateException e) {
            // It was replaced because its key is lost.
            LOG.warnf("The previous secret of webhook %d signs no more: %s", id, e.getMessage());
            return List.of(current);
        }
    }

    private static Long millis(ResultSet row, int column) throws SQLException {
        double millis = row.getDouble(column);
        return row.wasNull() ? null : Math.round(millis);
    }

    /** Gives leases back, so that others need not wait for their end. */
    void release(UUID lease, Collection<Long> ids) {
        try (Connection connection = dataSource.getConnection()) {
            update(connection, RELEASE, lease, array(connection, ids));
        } catch (SQLException e) {
            throw new IllegalStateException("The leases of webhooks cannot be released", e);
        }
    }

    /** Says that this worker has ended. */
    void disappear(UUID lease) {
        try (Connection connection = dataSource.getConnection()) {
            update(connection, DISAPPEAR, lease);
        } catch (SQLException e) {
            throw new IllegalStateException("The leases of webhooks cannot be released", e);
        }
    }

    private static void update(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, sql, parameters)) {
            statement.executeUpdate();
        }
    }

    private static java.sql.Array array(Connection connection, Collection<Long> ids) throws SQLException {
        return connection.createArrayOf("bigint", ids.toArray());
    }
}
