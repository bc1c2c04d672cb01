package dev.oms.order;

import dev.oms.http.Causes;
import dev.oms.http.DatabaseFailure;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import jakarta.enterprise.context.ApplicationScoped;
import org.jboss.logging.Logger;

/** Deletes expired idempotency keys, one batch per transaction, so that no lock is held for long. */
@ApplicationScoped
class PurgeIdempotencyKeys {
    private static final Logger LOG = Logger.getLogger(PurgeIdempotencyKeys.class);

    private final IdempotencyKeys keys;
    private final int batchSize;

    PurgeIdempotencyKeys(IdempotencyKeys keys, IdempotencyConfig config) {
        this.keys = keys;
        this.batchSize = config.purge().batchSize();
    }

    @Scheduled(every = "{oms.idempotency.purge.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void run() {
        try {
            LOG.debugf("Purged %d idempotency keys", purge());
        } catch (RuntimeException e) {
            if (!DatabaseFailure.of(e).isTransient()) {
                throw e;
            }
            LOG.warnf(
                    "Expired idempotency keys will be purged when the database is back (%s)",
                    Causes.root(e).getMessage());
        }
    }

    /** Returns the number of keys deleted. */
    int purge() {
        int purged = 0;
        int batch;
        do {
            batch = QuarkusTransaction.requiringNew().call(() -> keys.purge(batchSize));
            purged += batch;
        } while (batch == batchSize);
        return purged;
    }
}
