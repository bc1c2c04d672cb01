package dev.oms.http;

import jakarta.transaction.RollbackException;
import java.sql.SQLException;
import java.util.stream.Stream;

/**
 * Tells a database that is away, full or shutting down, or that broke a tie between transactions, from one that says
 * no: the first is nobody's fault and to be tried again.
 *
 * @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL error codes</a>
 */
public final class DatabaseOutage {
    private DatabaseOutage() {}

    /** Whether such trouble stands anywhere behind an exception. */
    public static boolean isBehind(Throwable e) {
        return Causes.of(e).anyMatch(DatabaseOutage::isTransient) || isCommitInDoubt(e);
    }

    /** A statement that is a transaction of its own, and failed with what may have come before its commit or after. */
    public static final class AutoCommitFailure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public AutoCommitFailure(SQLException cause) {
            super(cause);
        }

        /** Whether it may have been committed all the same. */
        public boolean isInDoubt() {
            // Whatever else goes wrong, PostgreSQL says before it commits.
            String state = ((SQLException) getCause()).getSQLState();
            return state != null && (state.startsWith("08") || state.startsWith("57P"));
        }
    }

    /** Whether it came at the very commit: then nobody knows whether the transaction was committed. */
    static boolean isCommitInDoubt(Throwable e) {
        if (Causes.find(e, AutoCommitFailure.class) instanceof AutoCommitFailure statement) {
            return statement.isInDoubt();
        }
        // Narayana does not tell why as a cause.
        return Causes.find(e, RollbackException.class) instanceof RollbackException notCommitted
                && Stream.of(notCommitted.getSuppressed()).flatMap(Causes::of).anyMatch(DatabaseOutage::isTransient);
    }

    private static boolean isTransient(Throwable e) {
        return e instanceof SQLException sql && isTransient(sql.getSQLState());
    }

    private static boolean isTransient(String state) {
        // The connection pool gives no state at all when it has no connection to give.
        return state == null
                || state.startsWith("08") // connection exception
                || state.startsWith("40") // serialization failure, deadlock
                || state.startsWith("53") // insufficient resources, too many connections
                || state.startsWith("57P") // admin shutdown, crash shutdown, cannot connect now
                || state.equals("55P03"); // lock not available: lock_timeout
    }
}
