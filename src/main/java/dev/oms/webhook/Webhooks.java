package dev.oms.webhook;

import dev.oms.event.Cursor;
import dev.oms.event.EventFeed;
import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import dev.oms.http.Statements;
import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The stored webhooks. Whatever changes one takes it away from the worker that sends its events: the worker, or
 * another, rereads it within a few seconds. The old worker first waits up to 2 s for the requests under way, unless its
 * URL or types are what has changed.
 */
@ApplicationScoped
class Webhooks {
    /** The maximum number of webhooks: each has a share of the workers' time and connections. */
    static final int MAX = 100;

    /** For how long a secret signs beside its successor. */
    static final int OVERLAP_HOURS = 24;

    /** The position of a test in place of an event's. */
    static final long TEST = 0;

    /** How many events after the cursor are looked through for those that will be sent. Those behind all count. */
    private static final int LAG_MAX = 10_000;

    private static final String SELECT = """
            select w.id, w.url, w.types, w.description, w.disabled_at, w.disabled_reason, w.disabled_by, w.failing_since,
                case when w.probe_at > clock_timestamp() then w.probe_at end,
                retries.count + ahead.count
                    + case when ahead.scanned = %1$d then (select max(position) from events) - ahead.last else 0 end,
                extract(epoch from clock_timestamp() - least(
                    ahead.oldest,
                    case when ahead.count = 0 and ahead.scanned = %1$d then ahead.newest end,
                    (select created_at from events where position = retries.first)))::bigint,
                counts.succeeded, counts.failed, failure.attempted_at, failure.status, failure.reason,
                case when w.previous_secret_until > clock_timestamp() then w.previous_secret_until end,
                w.created_by, w.created_at, w.updated_by, w.updated_at
            from webhook_endpoints w
                cross join lateral (
                    select count(*), min(position) first from webhook_retries
                    where endpoint_id = w.id and position > 0) retries
                cross join lateral (
                    select count(*) scanned, max(position) last, max(created_at) newest,
                        count(*) filter (where type = any(w.types) or w.types = '{}') count,
                        min(created_at) filter (where type = any(w.types) or w.types = '{}') oldest
                    from (
                        select position, type, created_at from events
                        where position > w.position order by position limit %1$d) next) ahead
                cross join lateral (
                    select coalesce(sum(succeeded), 0) succeeded, coalesce(sum(failed), 0) failed from webhook_counts
                    where endpoint_id = w.id and hour > clock_timestamp() - interval '24 hours') counts
                left join lateral (
                    select attempted_at, status, reason from webhook_attempts
                    where endpoint_id = w.id and not succeeded order by id desc limit 1) failure on true
            where\s""".formatted(LAG_MAX);

    /** Newest first. */
    private static final String LIST = SELECT + "w.id < ? order by w.id desc limit ?";

    private static final String GET = SELECT + "w.id = ?";

    /** Two at once may exceed the limit by one. */
    private static final String INSERT = """
            insert into webhook_endpoints (url, types, description, secret, position, created_by, created_at, updated_by,
                updated_at)
            select ?, ?, ?, '', ?, created_by, t, created_by, t
            from (select clock_timestamp() t, ? created_by) now
            where (select count(*) from webhook_endpoints) < ?
            returning id""";

    /** Takes the webhook away from the worker that has it. */
    private static final String CHANGED =
            "lease = null, lease_until = null, updated_by = ?, updated_at = clock_timestamp()";

    private static final String UPDATE = """
            update webhook_endpoints set url = coalesce(?::text, url), types = coalesce(?::text[], types),
                description = coalesce(?::text, description),\s""" + CHANGED + " where id = ?";

    /** What is known of one URL says nothing of another. */
    private static final String FORGET_FAILURES = """
            update webhook_endpoints set failures = 0, failing_since = null, probe_at = null
            where id = ? and url <> ?""";

    /**
     * The previous secret is the one that the receiver has. Of several rotations in a row it is the oldest, since the
     * responses with the others may have been lost.
     */
    private static final String ROTATE = """
            update webhook_endpoints set
                previous_secret = case when previous_secret_until > clock_timestamp() then previous_secret else secret end,
                previous_secret_until = clock_timestamp() + ? * interval '1 hour', secret = ?,\s""" + CHANGED + " where id = ?";

    /**
     * One that an operator has disabled already keeps the time and the author. One that a worker has disabled keeps the
     * time, and is not reported any more.
     */
    private static final String DISABLE =
            """
            update webhook_endpoints
            set disabled_at = coalesce(disabled_at, clock_timestamp()), disabled_reason = 'operator', disabled_by = ?,\s""" + CHANGED + " where id = ? and disabled_reason is distinct from 'operator'";

    private static final String ENABLE = """
            update webhook_endpoints
            set disabled_at = null, disabled_reason = null, disabled_by = null, failures = 0, failing_since = null,
                probe_at = null, position = greatest(position, ?),\s""" + CHANGED + " where id = ?";

    private static final String REWIND =
            "update webhook_endpoints set position = ?, " + CHANGED + " where id = ? and position >= ?";

    private static final String FORGET_RETRIES = "delete from webhook_retries where endpoint_id = ? and position > ?";

    private final AgroalDataSource dataSource;
    private final EventFeed feed;
    private final Secrets secrets;

    Webhooks(AgroalDataSource dataSource, EventFeed feed, Secrets secrets) {
        this.dataSource = dataSource;
        this.feed = feed;
        this.secrets = secrets;
    }

    List<Webhook> list(Long after, int rows) {
        return query(Webhooks::view, LIST, after == null ? Long.MAX_VALUE : after, rows);
    }

    /** @throws ProblemException 404 when there is no such webhook */
    Webhook get(long id) {
        List<Webhook> found = query(Webhooks::view, GET, id);
        if (found.isEmpty()) {
            throw ProblemException.unknown("webhook", id);
        }
        return found.getFirst();
    }

    /**
     * Stores a webhook, which gets the events from now on, and shows its secret.
     *
     * @param types empty for all
     * @throws ProblemException 409 when there are {@value #MAX} already, 503 when secrets cannot be encrypted
     */
    NewWebhook insert(WebhookUrl url, List<String> types, String description, Actor actor) {
        requireSecrets();
        // Before the transaction: whoever waits for the end of the feed must not have a connection.
        long end = feed.end();
        return QuarkusTransaction.requiringNew().call(() -> {
            List<Long> id = query(
                    row -> row.getLong(1),
                    INSERT,
                    url.toString(),
                    types.toArray(String[]::new),
                    description,
                    end,
                    actor.name(),
                    MAX);
            if (id.isEmpty()) {
                throw ProblemException.conflict(
                        "There are %d webhooks already; delete one first.".formatted(MAX), null);
            }
            SigningSecret secret = SigningSecret.create();
            // What is encrypted is bound to the id.
            update(
                    "update webhook_endpoints set secret = ? where id = ?",
                    secrets.encrypt(id.getFirst(), secret),
                    id.getFirst());
            return new NewWebhook(get(id.getFirst()), secret);
        });
    }

    /**
     * Changes what is not null. Another URL ends a pause.
     *
     * @throws ProblemException 404 when there is no such webhook
     */
    @Transactional
    Webhook change(long id, WebhookUrl url, List<String> types, String description, Actor actor) {
        if (url != null) {
            update(FORGET_FAILURES, id, url.toString());
        }
        update(
                UPDATE,
                url == null ? null : url.toString(),
                types == null ? null : types.toArray(String[]::new),
                description,
                actor.name(),
                id);
        return get(id);
    }

    /**
     * Gives a webhook another secret and shows it. The one before signs too for {@value #OVERLAP_HOURS} hours. If there
     * is a previous one that still signs, that one does instead, and the one in between ends at once.
     *
     * @throws ProblemException 404 when there is no such webhook, 503 when secrets cannot be encrypted
     */
    @Transactional
    NewWebhook rotateSecret(long id, Actor actor) {
        requireSecrets();
        SigningSecret secret = SigningSecret.create();
        update(ROTATE, OVERLAP_HOURS, secrets.encrypt(id, secret), actor.name(), id);
        return new NewWebhook(get(id), secret);
    }

    private void requireSecrets() {
        if (!secrets.isAvailable()) {
            throw ProblemException.busy(Secrets.REFUSAL);
        }
    }

    /**
     * Sends nothing more, within a second, until it is enabled.
     *
     * @throws ProblemException 404 when there is no such webhook
     */
    @Transactional
    Webhook disable(long id, Actor actor) {
        update(DISABLE, actor.name(), actor.name(), id);
        return get(id);
    }

    /**
     * Sends again, at once even after failures, from where it was left.
     *
     * @param fromNow whether to leave out everything until now instead
     * @throws ProblemException 404 when there is no such webhook
     */
    Webhook enable(long id, boolean fromNow, Actor actor) {
        // Before the transaction, as for a new one.
        long start = fromNow ? feed.end() : 0;
        return QuarkusTransaction.requiringNew().call(() -> {
            update(ENABLE, start, actor.name(), id);
            if (fromNow) {
                update(FORGET_RETRIES, id, TEST);
            }
            return get(id);
        });
    }

    /**
     * Sends again what comes after an event.
     *
     * @throws ProblemException 404 when there is no such webhook, 409 when it is disabled, 422 when it has not come
     *     that far, or the cursor is another database's
     */
    Webhook replay(long id, Cursor after, Actor actor) {
        // Before the transaction, as for a new one.
        boolean isOfThisDatabase = feed.cursorOf(after.position()).equals(after);
        return QuarkusTransaction.requiringNew().call(() -> {
            requireEnabled(id);
            if (!isOfThisDatabase) {
                throw ProblemException.invalid("after", "is the id of an event in another database");
            }
            if (update(REWIND, after.position(), actor.name(), id, after.position()) == 0) {
                throw ProblemException.invalid("after", "is the id of an event that has not been sent yet");
            }
            update(FORGET_RETRIES, id, after.position());
            return get(id);
        });
    }

    /** @throws ProblemException 404 when there is no such webhook, 409 when it is disabled */
    Webhook requireEnabled(long id) {
        Webhook webhook = get(id);
        if (!webhook.isEnabled()) {
            throw ProblemException.conflict("Webhook %d is disabled; enable it first.".formatted(id), null);
        }
        return webhook;
    }

    /** @throws ProblemException 404 when there is no such webhook */
    @Transactional
    void delete(long id) {
        if (update("delete from webhook_endpoints where id = ?", id) == 0) {
            throw ProblemException.unknown("webhook", id);
        }
    }

    private static Webhook view(ResultSet row) throws SQLException {
        Instant disabledAt = instant(row, 5);
        Instant failedAt = instant(row, 14);
        return new Webhook(
                row.getLong(1),
                row.getString(2),
                Arrays.asList((String[]) row.getArray(3).getArray()),
                row.getString(4),
                disabledAt == null ? "enabled" : "disabled",
                disabledAt,
                row.getString(6),
                row.getString(7),
                instant(row, 8),
                instant(row, 9),
                row.getLong(10),
                Math.max(0, row.getLong(11)),
                Webhook.Attempts.of(row.getLong(12), row.getLong(13)),
                failedAt == null
                        ? null
                        : new Webhook.Failure(failedAt, row.getObject(15, Integer.class), row.getString(16)),
                instant(row, 17),
                row.getString(18),
                instant(row, 19),
                row.getString(20),
                instant(row, 21));
    }

    static Instant instant(ResultSet row, int column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    /** Reads a row. */
    interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    <T> List<T> query(Row<T> view, String sql, Object... parameters) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = Statements.prepare(connection, sql, parameters);
                ResultSet row = statement.executeQuery()) {
            List<T> rows = new ArrayList<>();
            while (row.next()) {
                rows.add(view.read(row));
            }
            return rows;
        } catch (SQLException e) {
            throw new IllegalStateException("Webhooks cannot be read", e);
        }
    }

    /** Returns the number of rows. */
    int update(String sql, Object... parameters) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = Statements.prepare(connection, sql, parameters)) {
            return statement.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException("Webhooks cannot be changed", e);
        }
    }
}
