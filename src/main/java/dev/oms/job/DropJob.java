package dev.oms.job;

import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import dev.oms.order.AbandonStock;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;

/**
 * Forgets a failed or dead job, and with it what its order waits for: otherwise the order would only be found again.
 */
@ApplicationScoped
class DropJob {
    private final FailedJobs failedJobs;
    private final AbandonStock abandonStock;

    DropJob(FailedJobs failedJobs, AbandonStock abandonStock) {
        this.failedJobs = failedJobs;
        this.abandonStock = abandonStock;
    }

    /** @throws ProblemException 404 when there is no such failed job */
    @Transactional
    void drop(long orderId, Actor actor) {
        // The order first, as everywhere.
        abandonStock.abandon(orderId, actor);
        failedJobs.delete(failedJobs.lock(orderId));
    }
}
