package dev.oms.start;

import io.quarkus.logging.LoggingFilter;
import java.util.concurrent.RejectedExecutionException;
import java.util.logging.Filter;
import java.util.logging.LogRecord;

/**
 * Drops log records of tasks that Netty rejects after its event loops have stopped: replies that arrive during shutdown
 * or a failed start, and that nobody waits for any more.
 */
@LoggingFilter(name = "late-tasks")
public final class OmitLateTasks implements Filter {
    /** @return false for a task that came too late */
    @Override
    public boolean isLoggable(LogRecord line) {
        return !(String.valueOf(line.getLoggerName()).startsWith("io.netty.")
                && line.getThrown() instanceof RejectedExecutionException e
                && "event executor terminated".equals(e.getMessage()));
    }
}
