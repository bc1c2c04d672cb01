package dev.oms.audit;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.http.Statements;
import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;

/**
 * The audits, in PostgreSQL and on its clock. In the whole installation at most one runs and one waits to be run.
 *
 * <p>The one that runs belongs to a worker under a lease, which the worker renews with every range. When the lease has
 * expired, because the worker has died or hangs, another worker starts the audit over, and the first one can neither
 * renew the lease nor store anything.
 */
@ApplicationScoped
class Audits {
    /**
     * "OMSA": requests and take-ups are serialized, so that ids are in the order of their commits. A transaction's
     * lock, because of PgBouncer. Another installation, in another schema, has another lock. The release before has a
     * third: together two audits may run, which only read.
     */
    static final String LOCK = "select pg_advisory_xact_lock(x'4F4D5341'::int, hashtext(current_schema()))";

    /** Longer than a range, whose transaction may take 60 s. */
    private static final String LEASE = "now() + interval '2 minutes'";

    private static final String REQUEST = """
            insert into audits (status) select 'Requested'
            where not exists (select 1 from audits where status = 'Requested')""";

    private static final String REQUESTED = "select id from audits where status = 'Requested'";

    // A second attempt is always a full one: what the first one found is lost, but its checkpoints are not. Does not
    // wait for a range that outlasts its lease and so holds the row: others would wait for LOCK meanwhile.
    private static final String TAKE_UP = """
            update audits set status = 'Running', attempt = attempt + 1, started_at = now(), full_started_at = now(),
                leased_until = %s
            where id = (
                select id from audits
                where id = (select min(id) from audits where status in ('Running', 'Requested'))
                and (status = 'Requested' or leased_until < now())
                for update skip locked)
            returning id, attempt, true, '%d'::bigint""".formatted(LEASE, Long.MIN_VALUE);

    // Incremental only after an audit that found nothing, so that nothing found before is forgotten.
    private static final String SCHEDULE = """
            with last as (
                select * from audits where status in ('Complete', 'Failed') order by id desc limit 1),
            next as (
                select coalesce(last.count = 0 and last.full_started_at > now() - interval '1 day', false) as incremental,
                    last.full_started_at, last.last_order_id
                from (select 1) always left join last on true
                where not exists (select 1 from audits where status in ('Running', 'Requested'))
                and (last.id is null or last.started_at <= now() - make_interval(secs =>
                    case last.status when 'Failed' then least(?, 300) else ? end)))
            insert into audits (status, attempt, started_at, full_started_at, last_order_id, leased_until)
            select 'Running', 1, now(), case when incremental then full_started_at else now() end,
                case when incremental then last_order_id end, %s
            from next
            returning id, attempt, full_started_at = started_at,
                case when last_order_id is null then '%d'::bigint else greatest(last_order_id, 0) - %d end""".formatted(LEASE, Long.MIN_VALUE, Audit.ORDERS_READ_AGAIN);

    private static final String OF_LEASE = " where id = ? and attempt = ? and status = 'Running'";

    private static final String RENEW = "update audits set leased_until = " + LEASE + OF_LEASE;

    private static final String RELEASE = "update audits set leased_until = '-infinity'" + OF_LEASE;

    private static final String COMPLETE = """
            update audits set status = 'Complete', finished_at = now(), last_order_id = ?, count = ?,
                discrepancies = ?::jsonb""" + OF_LEASE;

    private static final String FAIL = "update audits set status = 'Failed', finished_at = now(), error = ?" + OF_LEASE;

    private static final String FORGET_OLD = "delete from audits where finished_at < now() - interval '7 days'";

    private static final String READ = """
            select a.id, a.status, a.full_started_at = a.started_at, a.started_at, a.finished_at, a.error, a.discrepancies,
                a.count,
                (select status from audits where status in ('Running', 'Requested') order by id limit 1),
                (select count from audits where status = 'Complete' order by id desc limit 1)
            from (select 1) always left join (
                select * from audits where status in ('Complete', 'Failed') order by id desc limit 1) a on true""";

    /**
     * The right to run an audit, until it is not renewed for two minutes.
     *
     * @param attempt tells this lease from others on the same audit
     * @param afterOrderId the order after which orders are compared; those up to it only if their stock has moved
     */
    record Lease(long id, int attempt, boolean isFull, long afterOrderId) {}

    /** Another worker has taken the audit over. */
    static final class LostLeaseException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private LostLeaseException(Lease lease) {
            super("Another worker has taken over audit " + lease.id());
        }
    }

    /** How an audit ended; {@code None} before the first one has. */
    enum Status {
        None,
        Complete,
        Failed
    }

    /** Where the next audit is: waiting for a worker, or running. */
    enum NextStatus {
        Requested,
        Running
    }

    /**
     * The last audit that ended, as it goes over the wire.
     *
     * @param id null before the first audit has ended
     * @param error why it failed, or null
     * @param discrepancies the first 1,000 of them, or null unless it is complete
     * @param count the number of all its discrepancies, or null unless it is complete
     * @param nextStatus whether the next one waits or runs, or null if there is none yet
     * @param lastCount the number of discrepancies of the last complete one, or null when there is none
     */
    @RegisterForReflection
    record Last(
            Long id,
            Status status,
            Boolean full,
            Instant startedAt,
            Instant finishedAt,
            String error,
            List<Discrepancy> discrepancies,
            Long count,
            NextStatus nextStatus,
            @JsonIgnore Long lastCount) {}

    // Not the shared one, whose limits are for what clients send.
    private static final ObjectMapper JSON = new ObjectMapper();

    private final AgroalDataSource dataSource;

    Audits(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    /** What is done in a transaction. */
    private interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    private <T> T inTransaction(Work<T> work) {
        return QuarkusTransaction.requiringNew().call(() -> {
            try (Connection connection = dataSource.getConnection()) {
                return work.run(connection);
            }
        });
    }

    /**
     * Asks for a full audit, which a worker will begin after this call. Asking again before it has begun changes
     * nothing.
     *
     * @return the audit's id
     */
    long request() {
        return inTransaction(connection -> {
            lock(connection);
            update(connection, REQUEST);
            try (PreparedStatement statement = connection.prepareStatement(REQUESTED);
                    ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        });
    }

    /**
     * Takes up the audit that was requested, or whose lease has expired, or that is due by the schedule.
     *
     * @param every how long after the start of the last audit the next one is due, 5 minutes at most if that one
     *     failed; null for no schedule
     * @return empty when there is nothing to do, or another worker does it
     */
    Optional<Lease> takeUp(Duration every) {
        return inTransaction(connection -> {
            lock(connection);
            Optional<Lease> lease = lease(connection, TAKE_UP);
            if (lease.isEmpty() && every != null) {
                lease = lease(connection, SCHEDULE, every.toSeconds(), every.toSeconds());
            }
            return lease;
        });
    }

    private static void lock(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LOCK)) {
            statement.execute();
        }
    }

    private static Optional<Lease> lease(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, sql, parameters);
                ResultSet row = statement.executeQuery()) {
            return row.next()
                    ? Optional.of(new Lease(row.getLong(1), row.getInt(2), row.getBoolean(3), row.getLong(4)))
                    : Optional.empty();
        }
    }

    /**
     * Renews a lease, in the caller's transaction: until it ends, nobody can take the audit over.
     *
     * @throws LostLeaseException when somebody has
     */
    void renew(Connection connection, Lease lease) throws SQLException {
        if (update(connection, RENEW, lease.id(), lease.attempt()) == 0) {
            throw new LostLeaseException(lease);
        }
    }

    /** Gives a lease back: the audit is started over, as a full one, by the next worker that looks. */
    void release(Lease lease) {
        inTransaction(connection -> update(connection, RELEASE, lease.id(), lease.attempt()));
    }

    /** Stores the result, unless the lease is lost. */
    void complete(Lease lease, Audit.Outcome outcome) {
        inTransaction(connection -> {
            update(
                    connection,
                    COMPLETE,
                    outcome.lastOrderId(),
                    outcome.findings().count(),
                    json(outcome.findings().first()),
                    lease.id(),
                    lease.attempt());
            return update(connection, FORGET_OLD);
        });
    }

    /**
     * Stores that the audit failed, unless the lease is lost.
     *
     * @param error one sentence for the operator
     */
    void fail(Lease lease, String error) {
        inTransaction(connection -> update(connection, FAIL, error, lease.id(), lease.attempt()));
    }

    /** The last audit that ended. */
    Last last() {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(READ);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return new Last(
                    row.getObject(1, Long.class),
                    row.getString(2) == null ? Status.None : Status.valueOf(row.getString(2)),
                    row.getObject(3, Boolean.class),
                    instant(row, 4),
                    instant(row, 5),
                    row.getString(6),
                    discrepancies(row.getString(7)),
                    row.getObject(8, Long.class),
                    row.getString(9) == null ? null : NextStatus.valueOf(row.getString(9)),
                    row.getObject(10, Long.class));
        } catch (SQLException e) {
            throw new IllegalStateException("The last audit cannot be read", e);
        }
    }

    private static int update(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, sql, parameters)) {
            return statement.executeUpdate();
        }
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    private String json(List<Discrepancy> discrepancies) {
        try {
            return JSON.writeValueAsString(discrepancies);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private List<Discrepancy> discrepancies(String stored) {
        try {
            return stored == null ? null : JSON.readValue(stored, new TypeReference<List<Discrepancy>>() {});
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
