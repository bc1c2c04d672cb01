package dev.oms.job;

import dev.oms.http.ProblemException;
import dev.oms.order.StockDue;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.transaction.Transactional;
import java.time.Clock;

/** Has a failed or dead job tried again at once, and as often as a new one. */
@ApplicationScoped
class RetryJob {
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
}
