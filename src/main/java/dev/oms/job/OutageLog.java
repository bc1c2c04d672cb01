package dev.oms.job;

import dev.oms.http.Causes;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;

/**
 * Logs an outage when it begins, every 30 seconds while it lasts, and when it is over, rather than at every failed
 * attempt.
 */
public final class OutageLog {
    private static final Duration REPEAT_EVERY = Duration.ofSeconds(30);
    private static final Pattern BATCH = Pattern.compile("(?s)^ERR \\[\\d+] (\\V*).*");
    private static final long NONE = Long.MIN_VALUE;

    private final Logger log;
    private final String what;
    private final long repeatNanos;
    private final AtomicLong lastLoggedNanos = new AtomicLong(NONE);

    /** @param what the effect of the outage, as a log message */
    public OutageLog(Logger log, String what) {
        this(log, what, REPEAT_EVERY);
    }

    private OutageLog(Logger log, String what, Duration repeatEvery) {
        this.log = log;
        this.what = what;
        this.repeatNanos = repeatEvery.toNanos();
    }

    /**
     * For something that orders do not depend on. If it fails for lack of rights, it does so for ever; once an hour is
     * enough. It may also fail because Redis takes no writes, so it does not say that orders are settled.
     */
    static OutageLog ofHousekeeping(Logger log, String what) {
        return new OutageLog(log, "Housekeeping, which no order waits for: " + what, Duration.ofHours(1));
    }

    /** Runs what must not stop its caller, and logs its failure or the end of its failures. */
    void attempt(Runnable task) {
        try {
            task.run();
            recovered();
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    /** Logs the outage, unless it was logged a short while ago. */
    public void failed(Throwable e) {
        long now = System.nanoTime();
        long last = lastLoggedNanos.get();
        if ((last == NONE || now - last > repeatNanos) && lastLoggedNanos.compareAndSet(last, now)) {
            Throwable root = Causes.root(e);
            log.warnf("%s (%s)", what, root.getMessage() == null ? root.toString() : first(root.getMessage()));
            log.debug(what, e);
        }
    }

    /** Of a batch of commands, the Redis client reports a line for each that failed, mostly of the same error. */
    private static String first(String message) {
        return BATCH.matcher(message).replaceFirst("$1");
    }

    /** Logs the end of the outage, if there was one. */
    public void recovered() {
        if (lastLoggedNanos.get() != NONE && lastLoggedNanos.getAndSet(NONE) != NONE) {
            log.infof("Resolved: %s", what);
        }
    }
}
