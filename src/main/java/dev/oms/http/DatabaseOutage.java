package dev.oms.http;

import jakarta.transaction.RollbackException;
import java.sql.SQLException;
import java.util.stream.Stream;

/**
 * Separates transient failures of the database (unreachable, out of resources, shutting down, a deadlock or lock
 * timeout) from statements that it rejects. A transient failure is not the caller's fault, and the work can be retried.
 *
 * @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL error codes</a>
 */
public final class DatabaseOutage {
    private DatabaseOutage() {}

    /** Whether a transient failure is anywhere in the exception's chain of causes. */
    public static boolean isBehind(Throwable e) {
        return Causes.of(e).anyMatch(DatabaseOutage::isTransient) || isCommitInDoubt(e);
    }

    /** The failure of a statement that was its own transaction: it may have come before the commit or after. */
    public static final class AutoCommitFailure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public AutoCommitFailure(SQLException cause) {
            super(cause);
        }

        /** Whether the statement may have been committed nevertheless. */
        public boolean isInDoubt() {
            // PostgreSQL reports every other error before it commits.
            String state = ((SQLException) getCause()).getSQLState();
            return state != null && (state.startsWith("08") || state.startsWith("57P"));
        }
    }

    /** Whether the failure came during the commit, so that it is unknown whether the transaction was committed. */
    static boolean isCommitInDoubt(Throwable e) {
        if (Causes.find(e, AutoCommitFailure.class) instanceof AutoCommitFailure failure) {
            return failure.isInDoubt();
        }
        // Narayana adds the reason as a suppressed exception, not as a cause.
        return Causes.find(e, RollbackException.class) instanceof RollbackException rollback
                && Stream.of(rollback.getSuppressed()).flatMap(Causes::of).anyMatch(DatabaseOutage::isTransient);
    }

    private static boolean isTransient(Throwable e) {
        return e instanceof SQLException sql && isTransient(sql.getSQLState());
    }

    private static boolean isTransient(String state) {
        // The connection pool sets no state when it has no connection to offer.
        return state == null
                || state.startsWith("08") // connection exception
                || state.startsWith("40") // serialization failure, deadlock
                || state.startsWith("53") // insufficient resources, too many connections
                || state.startsWith("57P") // admin shutdown, crash shutdown, cannot connect now
                || state.equals("55P03"); // lock not available: lock_timeout
    }
}
