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
import java.util.List;
import java.util.Random;
import org.hibernate.Session;

/** Repository of failed and dead jobs. */
@ApplicationScoped
class FailedJobs implements PanacheRepository<FailedJob> {
    private static final int ERROR_MAX = 2_000;

    private final Random jitter = new Random();

    /**
     * Counts a failure of an order's job, and schedules the next attempt or, after the last one, marks the job dead.
     * Two workers may fail on the same order at once: the second waits for the first, and both count.
     *
     * @return how often the job has failed
     */
    @Transactional(TxType.REQUIRES_NEW)
    int record(long orderId, Throwable error) {
        int attempts = getEntityManager()
                .unwrap(Session.class)
                .createNativeQuery("""
                        insert into failed_jobs as f (order_id, attempts, last_error, next_attempt_at)
                        values (?1, 1, ?2, clock_timestamp())
                        on conflict (order_id) do update set attempts = f.attempts + 1, last_error = excluded.last_error
                        returning attempts""", Integer.class)
                .setParameter(1, orderId)
                .setParameter(2, text(error))
                .getSingleResult();
        getEntityManager()
                .createNativeQuery("""
                        update failed_jobs set
                            next_attempt_at = case when ?2 then null else clock_timestamp() + ?3 * interval '1 ms' end,
                            dead_at = case when ?2 then clock_timestamp() end
                        where order_id = ?1""")
                .setParameter(1, orderId)
                .setParameter(2, Backoff.isExhausted(attempts))
                .setParameter(3, Backoff.after(attempts, jitter).toMillis())
                .executeUpdate();
        return attempts;
    }

    /** Stores a job that names no order, once. There is nothing to retry, so it is dead at once. */
    @Transactional(TxType.REQUIRES_NEW)
    void recordUnreadable(Job job) {
        getEntityManager()
                .createNativeQuery("""
                        insert into failed_jobs (order_id, attempts, last_error, dead_at)
                        values (?1, 1, ?2, clock_timestamp()) on conflict do nothing""")
                .setParameter(1, job.surrogateId())
                .setParameter(2, clean("The job names no order: " + job.fields()))
                .executeUpdate();
    }

    private static String text(Throwable error) {
        return clean(String.valueOf(Causes.root(error).getMessage()));
    }

    private static String clean(String text) {
        return Texts.shorten(text, ERROR_MAX).replace("\0", "\\0");
    }

    /**
     * Records that a job of this order is sent now, and locks the order: always before its failed job. Does nothing
     * when no stock is due.
     */
    void markSent(long orderId) {
        getEntityManager()
                .createNativeQuery("update orders set enqueued_at = now() where id = ?1 and due is not null")
                .setParameter(1, orderId)
                .executeUpdate();
    }

    /** Makes a locked job due at once, with as many attempts as a new one. */
    FailedJob revive(FailedJob job) {
        getEntityManager().createNativeQuery("""
                        update failed_jobs set attempts = 0, dead_at = null, next_attempt_at = now()
                        where order_id = ?1""").setParameter(1, job.orderId()).executeUpdate();
        getEntityManager().refresh(job);
        return job;
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
     * Makes a keyset page of failed jobs due at once, with as many attempts as new ones, and records that they are sent
     * now. An order that another transaction is changing is left as it is; at worst, its job is sent twice.
     *
     * @param after the last order of the previous page
     * @return the orders of the jobs, ascending
     */
    List<Long> revive(long after, int rows) {
        List<Long> orderIds =
                list(null, after, rows).stream().map(FailedJob::orderId).toList();
        // Lock order, as everywhere: the orders first.
        update("""
                update orders set enqueued_at = now() where id in (
                    select id from orders where id in (?1) and due is not null order by id for update skip locked)""", orderIds);
        update("""
                update failed_jobs set attempts = 0, dead_at = null, next_attempt_at = now() where order_id in (?1)""", orderIds);
        return orderIds;
    }

    private void update(String sql, List<Long> orderIds) {
        if (!orderIds.isEmpty()) {
            getEntityManager().createNativeQuery(sql).setParameter(1, orderIds).executeUpdate();
        }
    }

    /** Deletes the jobs whose order has nothing due any more, because it was settled or cancelled. */
    @Transactional
    int deleteSettled() {
        return getEntityManager().createNativeQuery("""
                        delete from failed_jobs f using orders o
                        where o.id = f.order_id and o.due is null""").executeUpdate();
    }
}
