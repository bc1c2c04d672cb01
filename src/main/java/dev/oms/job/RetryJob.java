package dev.oms.job;

import dev.oms.http.ProblemException;
import dev.oms.order.StockDue;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.transaction.Transactional;
import java.util.List;

/** Retries failed or dead jobs at once, with as many attempts as a new job. */
@ApplicationScoped
class RetryJob {
    private static final int PAGE = 500;

    private final FailedJobs failedJobs;
    private final Event<StockDue> stockDue;

    RetryJob(FailedJobs failedJobs, Event<StockDue> stockDue) {
        this.failedJobs = failedJobs;
        this.stockDue = stockDue;
    }

    /** @throws ProblemException 404 if there is no such failed job, 409 if it names no order */
    @Transactional
    FailedJob retry(long orderId) {
        // Lock order, as everywhere: the order first.
        failedJobs.markSent(orderId);
        FailedJob job = failedJobs.lock(orderId);
        if (!job.hasOrder()) {
            throw ProblemException.conflict(
                    "The job names no order, so it cannot be retried; it can only be dropped.", null);
        }
        stockDue.fire(new StockDue(orderId));
        return failedJobs.revive(job);
    }

    /**
     * Retries every failed or dead job, one page per transaction. Skips jobs that name no order.
     *
     * @return the number of jobs retried
     */
    int retryAll() {
        int retried = 0;
        List<Long> page;
        long after = -1;
        do {
            long from = after;
            page = QuarkusTransaction.requiringNew().call(() -> retryPage(from));
            retried += page.size();
            after = page.isEmpty() ? after : page.getLast();
        } while (page.size() == PAGE);
        return retried;
    }

    private List<Long> retryPage(long after) {
        List<Long> orderIds = failedJobs.revive(after, PAGE);
        orderIds.forEach(orderId -> stockDue.fire(new StockDue(orderId)));
        return orderIds;
    }
}
