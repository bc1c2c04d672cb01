package dev.oms.job;

import dev.oms.http.ProblemException;
import dev.oms.order.StockDue;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.util.List;

/** Has a failed or dead job tried again at once, and as often as a new one. */
@ApplicationScoped
class RetryJob {
    private static final int PAGE = 500;

    private final FailedJobs failedJobs;
    private final Event<StockDue> stockDue;
    private final Clock clock;

    RetryJob(FailedJobs failedJobs, Event<StockDue> stockDue, Clock clock) {
        this.failedJobs = failedJobs;
        this.stockDue = stockDue;
        this.clock = clock;
    }

    /** @throws ProblemException 404 when there is no such failed job, 409 when it names no order */
    @Transactional
    FailedJob retry(long orderId) {
        FailedJob job = failedJobs.lock(orderId);
        if (!job.hasOrder()) {
            throw ProblemException.conflict("The job names no order to try it for; it can only be dropped.", null);
        }
        job.revive(clock.instant());
        stockDue.fire(new StockDue(orderId));
        return job;
    }

    /**
     * Has every job tried again that failed or is dead, a page a transaction. Passes over those that name no order, and
     * those that somebody else is at right now.
     *
     * @return how many
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
        List<Long> orderIds = failedJobs.revive(after, PAGE, clock.instant());
        orderIds.forEach(orderId -> stockDue.fire(new StockDue(orderId)));
        return orderIds;
    }
}
