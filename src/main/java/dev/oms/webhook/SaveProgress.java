package dev.oms.webhook;

import dev.oms.http.Statements;
import dev.oms.webhook.Progress.Attempt;
import dev.oms.webhook.Progress.Retry;
import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/**
 * Stores what has become of many endpoints in one transaction, a statement for each table. It stores nothing of an
 * endpoint whose cursor, URL or types somebody else has changed, or that another worker has taken: what was sent in
 * vain is sent again, under the same id, and what was passed over because of the old types is read again.
 */
@ApplicationScoped
class SaveProgress {
    /** How long an endpoint may fail before it is disabled. */
    static final Duration FAILING_MAX = Duration.ofDays(5);

    /** What an endpoint has subscribed to, in one value. */
    static final String SUBSCRIPTION = "url || ' ' || types::text";

    /**
     * Locks the rows in the order of ids, as whoever changes several rows does: two at once cannot block each other.
     *
     * <p>A row whose lease is null was changed by somebody meanwhile: whether it fails, is paused or disabled is as
     * they have left it.
     */
    private static final String UPDATE = """
            update webhook_endpoints e set
                position = v.position,
                failures = case when v.is_held then v.failures else e.failures end,
                probe_at = case when v.is_held then clock_timestamp() + v.pause * interval '1 ms' else e.probe_at end,
                failing_since = case
                    when not v.is_held then e.failing_since
                    when not v.failing then null
                    when v.succeeded then clock_timestamp()
                    else coalesce(e.failing_since, clock_timestamp()) end,
                lease = case when v.disables then null else e.lease end,
                lease_until = case when v.disables then null else e.lease_until end,
                disabled_reason = case
                    when v.disables then case when v.gone then 'gone' else 'failing' end else e.disabled_reason end,
                disabled_at = case when v.disables then clock_timestamp() else e.disabled_at end
            from (
                select v.*, is_held, is_held and disabled_at is null
                    and (gone or failed and failing and not succeeded
                        and coalesce(failing_since < clock_timestamp() - ? * interval '1 s', false)) disables
                from unnest(?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::integer[], ?::bigint[], ?::boolean[],
                        ?::boolean[], ?::boolean[], ?::boolean[])
                    v (id, subscription, was, position, failures, pause, failing, failed, succeeded, gone)
                join (
                    select id, %s subscription, position, lease is not null is_held, failing_since, disabled_at
                    from webhook_endpoints
                    where id = any(?) and (lease = ? or lease is null) order by id for update) stored
                on stored.id = v.id and stored.subscription = v.subscription and stored.position = v.was) v
            where e.id = v.id
            returning e.id, e.lease is null, case when v.disables then e.disabled_reason end""".formatted(SUBSCRIPTION);

    private static final String INSERT_ATTEMPTS = """
            insert into webhook_attempts (
                endpoint_id, position, attempt, attempted_at, succeeded, status, reason, ms, response)
            select endpoint_id, position, attempt, clock_timestamp() - ago * interval '1 ms', reason is null, status, reason,
                ms, response
            from unnest(?::bigint[], ?::bigint[], ?::integer[], ?::bigint[], ?::integer[], ?::text[], ?::integer[],
                    ?::text[])
                v (endpoint_id, position, attempt, ago, status, reason, ms, response)""";

    private static final String COUNT = """
            insert into webhook_counts as c (endpoint_id, hour, succeeded, failed)
            select id, date_trunc('hour', clock_timestamp()), succeeded, failed
            from unnest(?::bigint[], ?::bigint[], ?::bigint[]) v (id, succeeded, failed)
            on conflict (endpoint_id, hour) do update
            set succeeded = c.succeeded + excluded.succeeded, failed = c.failed + excluded.failed""";

    private static final String VALUES = """
            from unnest(?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::integer[], ?::bigint[])
                v (endpoint_id, position, subject, subject_id, attempt, due)""";

    // A conflict is with a row that somebody has added to send an event again, which has not reached its worker.
    private static final String ADD_RETRIES = """
            insert into webhook_retries (endpoint_id, position, subject, subject_id, attempt, next_attempt_at)
            select endpoint_id, position, subject, subject_id, attempt, clock_timestamp() + due * interval '1 ms'
            """ + VALUES + " on conflict (endpoint_id, position) do nothing";

    // If the lease is null, somebody may have asked for it to be sent at once.
    private static final String CHANGE_RETRIES = """
            update webhook_retries r
            set attempt = v.attempt,
                next_attempt_at = least(
                    case when e.lease is null then r.next_attempt_at end, clock_timestamp() + v.due * interval '1 ms')
            """ + VALUES + """
                 join webhook_endpoints e on e.id = v.endpoint_id
            where r.endpoint_id = v.endpoint_id and r.position = v.position""";

    private static final String REMOVE_RETRIES = """
            delete from webhook_retries r using unnest(?::bigint[], ?::bigint[]) v (endpoint_id, position)
            where r.endpoint_id = v.endpoint_id and r.position = v.position""";

    private final AgroalDataSource dataSource;

    SaveProgress(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    /**
     * What has become of an endpoint's row.
     *
     * @param isLost whether this worker must not go on with it
     * @param disabledReason why this call has disabled it, or null
     */
    record Saved(boolean isLost, String disabledReason) {}

    /**
     * Stores progress.
     *
     * @return by endpoint; without those of which nothing was stored, because they are another's
     */
    Map<Long, Saved> save(UUID lease, Collection<Progress> all) {
        return QuarkusTransaction.requiringNew().call(() -> {
            try (Connection connection = dataSource.getConnection()) {
                Map<Long, Saved> saved = update(connection, lease, all);
                List<Progress> mine = all.stream()
                        .filter(each -> saved.containsKey(each.endpointId()))
                        .toList();
                insertAttempts(connection, mine);
                count(connection, mine);
                retries(connection, ADD_RETRIES, mine, Progress::added);
                retries(connection, CHANGE_RETRIES, mine, Progress::changed);
                removeRetries(connection, mine);
                return saved;
            } catch (SQLException e) {
                throw new IllegalStateException("The progress of webhooks cannot be stored", e);
            }
        });
    }

    /** Columns of values, as arrays for unnest. */
    private static final class Columns {
        private final List<List<Object>> columns = new ArrayList<>();

        void add(Object... row) {
            for (int i = 0; i < row.length; i++) {
                if (columns.size() == i) {
                    columns.add(new ArrayList<>());
                }
                columns.get(i).add(row[i]);
            }
        }

        boolean isEmpty() {
            return columns.isEmpty();
        }

        List<Object> arrays(Connection connection, String... types) throws SQLException {
            List<Object> arrays = new ArrayList<>();
            for (int i = 0; i < types.length; i++) {
                arrays.add(connection.createArrayOf(types[i], columns.get(i).toArray()));
            }
            return arrays;
        }
    }

    private static Map<Long, Saved> update(Connection connection, UUID lease, Collection<Progress> all)
            throws SQLException {
        Columns rows = new Columns();
        for (Progress each : all) {
            rows.add(
                    each.endpointId(),
                    each.subscription(),
                    each.was(),
                    each.position(),
                    each.failures(),
                    each.pauseMillis(),
                    each.isFailing(),
                    each.hasFailed(),
                    each.hasSucceeded(),
                    each.isGone());
        }
        List<Object> parameters = new ArrayList<>();
        parameters.add(FAILING_MAX.toSeconds());
        parameters.addAll(rows.arrays(
                connection,
                "bigint",
                "text",
                "bigint",
                "bigint",
                "integer",
                "bigint",
                "boolean",
                "boolean",
                "boolean",
                "boolean"));
        parameters.add(connection.createArrayOf(
                "bigint", all.stream().map(Progress::endpointId).toArray()));
        parameters.add(lease);
        Map<Long, Saved> saved = new HashMap<>();
        try (PreparedStatement statement = Statements.prepare(connection, UPDATE, parameters.toArray());
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                saved.put(row.getLong(1), new Saved(row.getBoolean(2), row.getString(3)));
            }
        }
        return saved;
    }

    private static void insertAttempts(Connection connection, List<Progress> all) throws SQLException {
        Columns rows = new Columns();
        long nowNanos = System.nanoTime();
        for (Progress each : all) {
            for (Attempt attempt : each.attempts()) {
                Outcome outcome = attempt.outcome();
                rows.add(
                        each.endpointId(),
                        attempt.position(),
                        attempt.attempt(),
                        Duration.ofNanos(nowNanos - attempt.endedNanos()).toMillis() + outcome.millis(),
                        outcome.status(),
                        outcome.reason(),
                        outcome.millis(),
                        outcome.response());
            }
        }
        execute(
                connection,
                INSERT_ATTEMPTS,
                rows,
                "bigint",
                "bigint",
                "integer",
                "bigint",
                "integer",
                "text",
                "integer",
                "text");
    }

    private static void count(Connection connection, List<Progress> all) throws SQLException {
        Columns rows = new Columns();
        for (Progress each : all) {
            Map<Boolean, Long> counts = new HashMap<>();
            for (Attempt attempt : each.attempts()) {
                if (attempt.position() != Webhooks.TEST) {
                    counts.merge(attempt.outcome().isSuccess(), 1L, Long::sum);
                }
            }
            if (!counts.isEmpty()) {
                rows.add(each.endpointId(), counts.getOrDefault(true, 0L), counts.getOrDefault(false, 0L));
            }
        }
        execute(connection, COUNT, rows, "bigint", "bigint", "bigint");
    }

    private static void retries(
            Connection connection, String sql, List<Progress> all, Function<Progress, List<Retry>> which)
            throws SQLException {
        Columns rows = new Columns();
        long nowNanos = System.nanoTime();
        for (Progress each : all) {
            // The last of several changes of one.
            Map<Long, Retry> retries = new HashMap<>();
            which.apply(each).forEach(retry -> retries.put(retry.position(), retry));
            for (Retry retry : retries.values()) {
                rows.add(
                        each.endpointId(),
                        retry.position(),
                        retry.subject().name(),
                        retry.subject().id(),
                        retry.attempts(),
                        retry.dueNanos() == Delivery.NOT_DUE
                                ? null
                                : Duration.ofNanos(retry.dueNanos() - nowNanos).toMillis());
            }
        }
        execute(connection, sql, rows, "bigint", "bigint", "text", "bigint", "integer", "bigint");
    }

    private static void removeRetries(Connection connection, List<Progress> all) throws SQLException {
        Columns rows = new Columns();
        for (Progress each : all) {
            each.removed().forEach(position -> rows.add(each.endpointId(), position));
        }
        execute(connection, REMOVE_RETRIES, rows, "bigint", "bigint");
    }

    private static void execute(Connection connection, String sql, Columns rows, String... types) throws SQLException {
        if (rows.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = Statements.prepare(
                connection, sql, rows.arrays(connection, types).toArray())) {
            statement.executeUpdate();
        }
    }
}
