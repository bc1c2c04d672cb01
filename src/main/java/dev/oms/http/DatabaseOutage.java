package dev.oms.http;

import java.sql.SQLException;

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
        return Causes.of(e).anyMatch(cause -> cause instanceof SQLException sql && isTransient(sql.getSQLState()));
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
