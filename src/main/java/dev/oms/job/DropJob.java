package dev.oms.job;

import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import dev.oms.order.AbandonStock;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;

/**
 * Drops a failed or dead job and clears what is due for its order. If the order stayed due, the reconciler would send
 * its job again.
 */
@ApplicationScoped
class DropJob {
    private final FailedJobs failedJobs;
    private final AbandonStock abandonStock;

    DropJob(FailedJobs failedJobs, AbandonStock abandonStock) {
        this.failedJobs = failedJobs;
        this.abandonStock = abandonStock;
    }

    /** @throws ProblemException 404 if there is no such failed job */
    @Transactional
    void drop(long orderId, Actor actor) {
        // Lock order, as everywhere: the order first.
        abandonStock.abandon(orderId, actor);
        failedJobs.delete(failedJobs.lock(orderId));
    }
}
