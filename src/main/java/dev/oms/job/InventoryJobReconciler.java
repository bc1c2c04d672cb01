package dev.oms.job;

import dev.oms.http.DatabaseFailure;
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
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.jboss.logging.Logger;

/**
 * Sends jobs again that Redis has lost, and failed jobs whose next attempt is due.
 *
 * <p>Settled jobs are deleted from the stream, so its first entry is the oldest unsettled job. An order with something
 * due whose job was sent before that, by more than a grace period, cannot be in the stream. Jobs of the backlog, and
 * jobs just sent again, are younger and are not sent.
 */
@ApplicationScoped
class InventoryJobReconciler {
    private static final Logger LOG = Logger.getLogger(InventoryJobReconciler.class);

    /** "OMSR": only one reconciler runs at a time, in whichever process. */
    private static final long LOCK_KEY = 0x4F4D5352L;

    // A transaction's lock: a session's lock does not work behind a pooler in transaction mode.
    private static final String TRY_LOCK = "select pg_try_advisory_xact_lock(?)";

    // Materialized: PostgreSQL may run a plain subquery again for every row, and mark more than a page.
    private static final String MARK_LOST = """
            with lost as materialized (
                select id from orders o where due is not null and enqueued_at < ? and not exists (
                    select from failed_jobs f where f.order_id = o.id and (dead_at is not null or next_attempt_at > ?))
                order by enqueued_at, id limit ? for update skip locked)
            update orders o set enqueued_at = ? from lost where o.id = lost.id
            returning o.id""";

    private final InventoryJobQueue queue;
    private final Workers workers;
    private final FailedJobs failedJobs;
    private final Duration dropIdleAfter;
    private final AgroalDataSource dataSource;
    private final JobConfig.Reconciler config;
    private final Clock clock;
    private final Counter reconciled;
    private final OutageLog outage = new OutageLog(LOG, "Jobs cannot be reconciled");

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
            int found = reconcile();
            workers.recordReconciliation(clock.instant(), found);
            failedJobs.deleteSettled();
            workers.dropIdle(dropIdleAfter);
            if (found > 0) {
                LOG.infof("Sent %d lost or failed jobs again", found);
            }
            outage.recovered();
        } catch (RuntimeException e) {
            outage.failed(e);
            if (!DatabaseFailure.of(e).isTransient()) {
                LOG.debug("Reconciling failed", e);
            }
        }
    }

    /**
     * Runs once.
     *
     * @return the number of jobs sent again
     */
    int reconcile() {
        Instant lostBefore = queue.watermark().minus(config.grace());
        int found = 0;
        List<Long> page;
        do {
            page = QuarkusTransaction.requiringNew().call(() -> markLost(lostBefore));
            // After the commit. After a crash in between, the jobs count as lost again once the grace period is over.
            if (!page.isEmpty()) {
                queue.sendAndWait(page);
                reconciled.increment(page.size());
            }
            found += page.size();
        } while (page.size() == config.pageSize());
        return found;
    }

    private List<Long> markLost(Instant lostBefore) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement tryLock = connection.prepareStatement(TRY_LOCK);
                PreparedStatement markLost = connection.prepareStatement(MARK_LOST)) {
            tryLock.setLong(1, LOCK_KEY);
            try (ResultSet row = tryLock.executeQuery()) {
                if (!row.next() || !row.getBoolean(1)) {
                    return List.of();
                }
            }
            OffsetDateTime now = clock.instant().atOffset(ZoneOffset.UTC);
            markLost.setObject(1, lostBefore.atOffset(ZoneOffset.UTC));
            markLost.setObject(2, now);
            markLost.setInt(3, config.pageSize());
            markLost.setObject(4, now);
            List<Long> lost = new ArrayList<>();
            try (ResultSet row = markLost.executeQuery()) {
                while (row.next()) {
                    lost.add(row.getLong(1));
                }
            }
            return lost;
        }
    }
}
