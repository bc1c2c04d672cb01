package dev.oms.job;

import dev.oms.http.DatabaseFailure;
import dev.oms.http.RedisProblem;
import dev.oms.http.Statements;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.jboss.logging.Logger;

/**
 * Sends jobs again that Redis has lost, and failed jobs whose next attempt is due.
 *
 * <p>An order with something due whose job was sent before the oldest job that a worker holds or can be given, by more
 * than a grace period, has no job in the stream that could settle it. Jobs of the backlog, and jobs just sent again,
 * are younger and are not sent.
 *
 * <p>When a job was sent is stamped and compared by PostgreSQL's clock alone; from Redis comes only an age, measured by
 * Redis's clock. So the clocks may differ. If the age is wrong, lost jobs are sent late, or jobs are sent again, at
 * most once per grace period.
 */
@ApplicationScoped
class InventoryJobReconciler {
    private static final Logger LOG = Logger.getLogger(InventoryJobReconciler.class);

    /**
     * "OMSR": only one reconciler of an installation runs at a time, in whichever process. Another installation, in
     * another schema, has another lock. The release before has a third: jobs sent twice have no effect.
     */
    private static final int LOCK_KEY = 0x4F4D5352;

    // A transaction's lock: a session's lock does not work behind a pooler in transaction mode.
    private static final String TRY_LOCK = "select pg_try_advisory_xact_lock(?, hashtext(current_schema()))";

    private static final String READ_CLOCK = "select clock_timestamp()";

    // Materialized: PostgreSQL may run a plain subquery again for every row, and mark more than a page.
    private static final String MARK_LOST = """
            with page as materialized (
                select id, enqueued_at from orders o
                where due is not null and enqueued_at < ? and (enqueued_at, id) > (?, ?) and not exists (
                    select 1 from failed_jobs f
                    where f.order_id = o.id and (dead_at is not null or next_attempt_at > clock_timestamp()))
                order by enqueued_at, id limit ? for update skip locked),
            marked as (update orders o set enqueued_at = clock_timestamp() from page where o.id = page.id)
            select id, enqueued_at from page order by enqueued_at, id""";

    // Only what has not been sent since its next attempt became due. Once sent, it may get lost like any other job.
    private static final String MARK_RETRIES = """
            with page as materialized (
                select o.id, o.enqueued_at from failed_jobs f join orders o on o.id = f.order_id
                where f.next_attempt_at <= clock_timestamp() and o.due is not null
                    and o.enqueued_at < f.next_attempt_at and o.id > ?
                order by o.id limit ? for update of o skip locked),
            marked as (update orders o set enqueued_at = clock_timestamp() from page where o.id = page.id)
            select id, enqueued_at from page order by id""";

    /** The limit of one pass; the next one continues. */
    private static final int PAGES_MAX = 20;

    /**
     * An order whose job was sent longer ago counts as lost, whatever the age of the oldest job: a worker may hold that
     * one for as long as somebody locks its order.
     */
    private static final Duration OLDEST_AGE_MAX = Duration.ofHours(1);

    private static final Sent FIRST = new Sent(0, OffsetDateTime.of(1, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC));

    private final InventoryJobQueue queue;
    private final Workers workers;
    private final FailedJobs failedJobs;
    private final Duration dropIdleAfter;
    private final AgroalDataSource dataSource;
    private final JobConfig.Reconciler config;
    private final Clock clock;
    private final Counter reconciled;
    private final OutageLog outage = new OutageLog(LOG, "Jobs cannot be reconciled");
    private final OutageLog mending = OutageLog.ofHousekeeping(LOG, "the stream of jobs cannot be checked");
    private final OutageLog asking =
            new OutageLog(LOG, "The age of the oldest job cannot be read: lost jobs are found after an hour only");
    private final OutageLog recording =
            OutageLog.ofHousekeeping(LOG, "the time of the last reconciliation cannot be stored in Redis");
    private final OutageLog deleting = OutageLog.ofHousekeeping(LOG, "failed jobs whose order is settled stay listed");
    private final OutageLog dropping = OutageLog.ofHousekeeping(LOG, "workers that are gone stay listed");

    InventoryJobReconciler(
            InventoryJobQueue queue,
            Workers workers,
            FailedJobs failedJobs,
            AgroalDataSource dataSource,
            JobConfig config,
            Clock clock,
            MeterRegistry meters) {
        this.queue = queue;
        this.workers = workers;
        this.failedJobs = failedJobs;
        this.dataSource = dataSource;
        this.config = config.reconciler();
        // Long enough for other workers to claim everything that an idle worker held.
        this.dropIdleAfter = config.consumer().claimAfter().multipliedBy(2);
        this.clock = clock;
        this.reconciled = Counter.builder("oms.jobs.reconciled")
                .description("Lost or failed jobs that were sent again.")
                .register(meters);
    }

    @Scheduled(every = "{oms.job.reconciler.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void run() {
        try {
            mend();
            int found = reconcile();
            if (found > 0) {
                LOG.infof("Sent %d lost or failed jobs again", found);
            }
            outage.recovered();
            recording.attempt(() -> workers.recordReconciliation(clock.instant(), found));
            deleting.attempt(failedJobs::deleteSettled);
            dropping.attempt(() -> workers.dropIdle(dropIdleAfter));
        } catch (RuntimeException e) {
            outage.failed(e);
            if (!DatabaseFailure.of(e).isTransient()) {
                LOG.debug("Reconciling failed", e);
            }
        }
    }

    /** PostgreSQL knows which orders are due, so a command that Redis refuses does not end the search for lost jobs. */
    private void mend() {
        try {
            queue.mend();
            mending.recovered();
        } catch (RuntimeException e) {
            if (!RedisProblem.isReply(e)) {
                throw e;
            }
            mending.failed(e);
        }
    }

    private Duration oldestAge() {
        try {
            Duration age = queue.oldestAge();
            asking.recovered();
            return age.compareTo(OLDEST_AGE_MAX) < 0 ? age : OLDEST_AGE_MAX;
        } catch (RuntimeException e) {
            if (!RedisProblem.isReply(e)) {
                throw e;
            }
            asking.failed(e);
            return OLDEST_AGE_MAX;
        }
    }

    /**
     * Runs once.
     *
     * @return the number of jobs sent again
     */
    int reconcile() {
        // The clock first, so that a job sent in between is not taken for lost.
        OffsetDateTime now = QuarkusTransaction.requiringNew().call(this::readClock);
        OffsetDateTime lostBefore = now.minus(oldestAge()).minus(config.grace());
        return sendPages((connection, last) -> mark(connection, MARK_RETRIES, last.orderId(), config.pageSize()))
                + sendPages((connection, last) ->
                        mark(connection, MARK_LOST, lostBefore, last.enqueuedAt(), last.orderId(), config.pageSize()));
    }

    /** An order whose job is sent again, and when it was sent before. */
    private record Sent(long orderId, OffsetDateTime enqueuedAt) {}

    /** Marks a page of orders as sent now, from the order after {@code last}. */
    private interface MarkPage {
        List<Sent> after(Connection connection, Sent last) throws SQLException;
    }

    private int sendPages(MarkPage markPage) {
        int found = 0;
        Sent last = FIRST;
        for (int pages = 0; pages < PAGES_MAX; pages++) {
            Sent from = last;
            List<Sent> page = QuarkusTransaction.requiringNew().call(() -> markIfAlone(markPage, from));
            if (page.isEmpty()) {
                break;
            }
            // After the commit. After a crash in between, the jobs count as lost again once the grace period is over.
            queue.sendAndWait(page.stream().map(Sent::orderId).toList());
            reconciled.increment(page.size());
            found += page.size();
            last = page.getLast();
        }
        return found;
    }

    private OffsetDateTime readClock() throws SQLException {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(READ_CLOCK);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getObject(1, OffsetDateTime.class);
        }
    }

    private List<Sent> markIfAlone(MarkPage markPage, Sent last) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement tryLock = Statements.prepare(connection, TRY_LOCK, LOCK_KEY);
                ResultSet row = tryLock.executeQuery()) {
            return row.next() && row.getBoolean(1) ? markPage.after(connection, last) : List.of();
        }
    }

    private static List<Sent> mark(Connection connection, String sql, Object... parameters) throws SQLException {
        List<Sent> page = new ArrayList<>();
        try (PreparedStatement statement = Statements.prepare(connection, sql, parameters);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                page.add(new Sent(row.getLong(1), row.getObject(2, OffsetDateTime.class)));
            }
        }
        return page;
    }
}
