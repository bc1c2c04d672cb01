package dev.oms.webhook;

import dev.oms.http.Causes;
import dev.oms.http.DatabaseFailure;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.enterprise.context.ApplicationScoped;
import org.jboss.logging.Logger;

/** Deletes old attempts, successes after a day and failures after 30, one batch per transaction. */
@ApplicationScoped
class PurgeAttempts {
    private static final Logger LOG = Logger.getLogger(PurgeAttempts.class);

    private static final int BATCH = 5_000;

    private static final String PURGE = """
            delete from webhook_attempts where ctid = any(array(
                select ctid from webhook_attempts
                where %s and attempted_at < clock_timestamp() - interval '%s' order by attempted_at limit ?))""";

    private static final String SUCCEEDED = PURGE.formatted("succeeded", "1 day");
    private static final String FAILED = PURGE.formatted("not succeeded", "30 days");
    private static final String COUNTS =
            "delete from webhook_counts where hour < clock_timestamp() - interval '2 days'";

    private final Webhooks webhooks;

    PurgeAttempts(Webhooks webhooks) {
        this.webhooks = webhooks;
    }

    @RunOnVirtualThread
    @Scheduled(every = "{oms.webhooks.purge.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void run() {
        try {
            LOG.debugf("Purged %d attempts", purge());
        } catch (RuntimeException e) {
            if (!DatabaseFailure.of(e).isTransient()) {
                throw e;
            }
            LOG.warnf(
                    "Old attempts of webhooks will be purged when the database is back (%s)",
                    Causes.root(e).getMessage());
        }
    }

    /** Returns the number of attempts deleted. */
    int purge() {
        update(COUNTS);
        return purge(SUCCEEDED) + purge(FAILED);
    }

    private int purge(String sql) {
        int purged = 0;
        int batch;
        do {
            batch = update(sql, BATCH);
            purged += batch;
        } while (batch == BATCH);
        return purged;
    }

    private int update(String sql, Object... parameters) {
        return QuarkusTransaction.requiringNew().call(() -> webhooks.update(sql, parameters));
    }
}
