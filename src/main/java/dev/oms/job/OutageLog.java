package dev.oms.job;

import dev.oms.http.Causes;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/**
 * Logs an outage when it begins, every 30 seconds while it lasts, and when it is over, rather than at every failed
 * attempt.
 */
public final class OutageLog {
    private static final long REPEAT_NANOS = Duration.ofSeconds(30).toNanos();
    private static final long NONE = Long.MIN_VALUE;

    private final Logger log;
    private final String what;
    private final AtomicLong lastLoggedNanos = new AtomicLong(NONE);

    /** @param what the effect of the outage, as a log message */
    public OutageLog(Logger log, String what) {
        this.log = log;
        this.what = what;
    }

    /** Logs the outage, unless it was logged within the last 30 s. */
    public void failed(Throwable e) {
        long now = System.nanoTime();
        long last = lastLoggedNanos.get();
        if ((last == NONE || now - last > REPEAT_NANOS) && lastLoggedNanos.compareAndSet(last, now)) {
            Throwable root = Causes.root(e);
            log.warnf("%s (%s)", what, root.getMessage() == null ? root.toString() : root.getMessage());
            log.debug(what, e);
        }
    }

    /** Logs the end of the outage, if there was one. */
    public void recovered() {
        if (lastLoggedNanos.get() != NONE && lastLoggedNanos.getAndSet(NONE) != NONE) {
            log.infof("Resolved: %s", what);
        }
    }
}
