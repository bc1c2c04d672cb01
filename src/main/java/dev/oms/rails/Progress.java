package dev.oms.rails;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Counts the rows of a table, and logs a line every ten seconds and at the end. Where all rows are read before any is
 * written, the lines are about the reading first, and then about the writing: its speed is another one.
 */
final class Progress {
    private static final Logger LOG = Logger.getLogger(Progress.class);
    private static final long EVERY = Duration.ofSeconds(10).toNanos();

    private final String what;
    private final Consumer<String> log;
    private final LongSupplier nanoTime;
    private long started;
    private long logged;
    private long read;
    private long added;
    private long changed;

    /** How long the reading took; 0 while it lasts. */
    private long reading;

    /** The rows that are to be written, or -1 before that is known. */
    private long expected = -1;

    /** @param what the plural of the rows */
    Progress(String what) {
        this(what, LOG::info, System::nanoTime);
    }

    Progress(String what, Consumer<String> log, LongSupplier nanoTime) {
        this.what = what;
        this.log = log;
        this.nanoTime = nanoTime;
        started = nanoTime.getAsLong();
        logged = started;
    }

    void read(int rows) {
        read += rows;
        logSometimes();
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

    /** Stops the clock after the reading, while other rows have their turn. */
    void pause() {
        reading = nanoTime.getAsLong() - started;
    }

    /** @param rows how many are to be written */
    void beginWriting(long rows) {
        expected = rows;
        started = nanoTime.getAsLong();
        logged = started;
    }

    private void logSometimes() {
        long now = nanoTime.getAsLong();
        if (now - logged <= EVERY) {
            return;
        }
        logged = now;
        if (expected < 0) {
            log("%d read, %d added, %d changed so far".formatted(read, added, changed), read, now - started);
        } else {
            log(
                    "%d of %d written (%d added, %d changed) so far".formatted(total(), expected, added, changed),
                    total(),
                    now - started);
        }
    }

    void end() {
        long nanos = reading + nanoTime.getAsLong() - started;
        log("%d read, %d added, %d changed in all".formatted(read, added, changed), read, nanos);
    }

    private void log(String counts, long rows, long nanos) {
        long millis = Math.max(1, Duration.ofNanos(nanos).toMillis());
        log.accept("%s: %s, in %d s (%d/s)".formatted(what, counts, millis / 1000, 1000 * rows / millis));
    }
}
