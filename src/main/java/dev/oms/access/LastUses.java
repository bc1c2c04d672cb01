package dev.oms.access;

import dev.oms.http.Causes;
import dev.oms.http.DatabaseFailure;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/** Collects which keys have been used, and stores it once a minute and at shutdown: a call does not wait for that. */
@ApplicationScoped
class LastUses {
    private static final Logger LOG = Logger.getLogger(LastUses.class);

    private static final Duration SHUTDOWN_MAX = Duration.ofSeconds(2);

    private final ApiKeys keys;
    private final Set<Long> used = ConcurrentHashMap.newKeySet();

    LastUses(ApiKeys keys) {
        this.keys = keys;
    }

    void add(long keyId) {
        used.add(keyId);
    }

    /** A database that does not answer delays the shutdown only for a moment. */
    void storeAtShutdown(@Observes ShutdownEvent event) throws InterruptedException {
        Thread.startVirtualThread(this::store).join(SHUTDOWN_MAX);
    }

    @Scheduled(every = "{oms.access.last-uses.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void store() {
        Set<Long> stored = Set.copyOf(used);
        if (stored.isEmpty()) {
            return;
        }
        used.removeAll(stored);
        try {
            keys.touch(stored);
        } catch (RuntimeException e) {
            if (!DatabaseFailure.of(e).isTransient()) {
                throw e;
            }
            used.addAll(stored);
            LOG.debugf("Uses of keys will be stored later (%s)", Causes.root(e).getMessage());
        }
    }
}
