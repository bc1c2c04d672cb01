package dev.oms.rails;

import java.time.Duration;
import org.jboss.logging.Logger;

/** Counts the rows of a table, and logs a line every ten seconds and at the end. */
final class Progress {
    private static final Logger LOG = Logger.getLogger(Progress.class);
    private static final Duration EVERY = Duration.ofSeconds(10);

    private final String what;
    private long started = System.nanoTime();
    private long logged = started;
    private long paused;
    private long read;
    private long added;
    private long changed;

    /** @param what the plural of the rows */
    Progress(String what) {
        this.what = what;
    }

    void read(int rows) {
        read += rows;
        logSometimes();
    }

    private void logSometimes() {
        if (System.nanoTime() - logged > EVERY.toNanos()) {
            logged = System.nanoTime();
            log("so far");
        }
    }

    void added(int rows) {
        added += rows;
        logSometimes();
    }

    void changed(int rows) {
        changed += rows;
        logSometimes();
    }

    long total() {
        return added + changed;
    }

    /** Stops the clock, while other rows have their turn. */
    void pause() {
        paused = System.nanoTime();
    }

    void resume() {
        started += System.nanoTime() - paused;
    }

    void end() {
        log("in all");
    }

    private void log(String when) {
        long millis = Math.max(1, Duration.ofNanos(System.nanoTime() - started).toMillis());
        LOG.infof(
                "%s: %d read, %d added, %d changed %s, in %d s (%d/s)",
                what, read, added, changed, when, millis / 1000, 1000 * read / millis);
    }
}
