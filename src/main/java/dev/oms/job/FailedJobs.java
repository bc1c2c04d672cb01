package dev.oms.job;

import dev.oms.http.Causes;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import jakarta.transaction.Transactional;
import jakarta.transaction.Transactional.TxType;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.hibernate.Session;

/** Repository of failed and dead jobs. */
@ApplicationScoped
class FailedJobs implements PanacheRepository<FailedJob> {
    private static final int ERROR_MAX = 2_000;

    private final Random jitter = new Random();
    private final Clock clock;

    FailedJobs(Clock clock) {
        this.clock = clock;
    }

    /** Counts a failure of an order's job. */
    @Transactional(TxType.REQUIRES_NEW)
    FailedJob record(long orderId, Throwable error) {
        FailedJob job = findById(orderId, LockModeType.PESSIMISTIC_WRITE);
        if (job == null) {
            job = new FailedJob(orderId);
            job.fail(text(error), clock, jitter);
            persist(job);
        } else {
            job.fail(text(error), clock, jitter);
        }
        return job;
    }

    /** Stores a job that names no order, once. */
    @Transactional(TxType.REQUIRES_NEW)
    void recordUnreadable(Job job) {
        if (findById(job.surrogateId()) == null) {
            String raw = Texts.shorten(job.fields().toString(), ERROR_MAX).replace("\0", "\\0");
            persist(new FailedJob(job.surrogateId(), raw, clock.instant()));
        }
    }

    private static String text(Throwable error) {
        Throwable root = Causes.root(error);
        return Texts.shorten(String.valueOf(root.getMessage()), ERROR_MAX).replace("\0", "\\0");
    }

    /** @throws ProblemException 404 if there is no such failed job */
    FailedJob lock(long orderId) {
        FailedJob job = findById(orderId, LockModeType.PESSIMISTIC_WRITE);
        if (job == null) {
            throw ProblemException.unknown("failed job", orderId);
        }
        return job;
    }

    /**
     * A keyset page of failed jobs, ascending by order.
     *
     * @param dead true for dead jobs only, false for the others only, null for both
     * @param after the last order of the previous page, or null
     */
    List<FailedJob> list(Boolean dead, Long after, int rows) {
        String query = "orderId > ?1" + (dead == null ? "" : dead ? " and deadAt is not null" : " and deadAt is null");
        return find(query, Sort.ascending("orderId"), after == null ? Long.MIN_VALUE : after)
                .range(0, rows - 1)
                .list();
    }

    /**
     * {@linkplain FailedJob#revive Revives} a keyset page of the jobs that name an order. Skips locked rows: another
     * transaction is changing them.
     *
     * @param after the last order of the previous page
     * @return the orders of the revived jobs, ascending
     */
    List<Long> revive(long after, int rows, Instant now) {
        return getEntityManager()
                .unwrap(Session.class)
                .createNativeQuery("""
                        with page as materialized (
                            select order_id from failed_jobs where order_id > ?2 and order_id >= 0
                            order by order_id limit ?3 for update skip locked),
                        revived as (
                            update failed_jobs f set attempts = 0, dead_at = null, next_attempt_at = ?1
                            from page where f.order_id = page.order_id
                            returning f.order_id)
                        select order_id from revived order by order_id""", Long.class)
                .setParameter(1, now)
                .setParameter(2, after)
                .setParameter(3, rows)
                .getResultList();
    }

    /** Deletes the jobs whose order has nothing due any more, because it was settled or cancelled. */
    @Transactional
    int deleteSettled() {
        return getEntityManager().createNativeQuery("""
                        delete from failed_jobs f using orders o
                        where o.id = f.order_id and o.due is null""").executeUpdate();
    }
}
