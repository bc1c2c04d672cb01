package dev.oms.http;

import jakarta.transaction.RollbackException;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.postgresql.util.PSQLException;

/**
 * What a failed database call means: the only table of SQLSTATEs, used by web and worker.
 *
 * @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL error codes</a>
 */
public enum DatabaseFailure {
    /** The data is at fault: it fails again, and everything else may succeed without it. */
    DATA,

    /** Another transaction is in the way: a held row, a deadlock. Nothing was changed; try again. */
    CONTENTION,

    /** The database is down, read-only, out of resources or too slow. Nothing was changed; try again later. */
    OUTAGE,

    /** It is unknown whether anything was changed: there was no answer, or no readable one, to a commit. */
    IN_DOUBT,

    /** A table, column or privilege is missing. Every statement fails until an operator fixes it. */
    SCHEMA,

    /** Anything else: a bug, or no failure of the database. */
    DEFECT;

    /** A migration has changed what a prepared statement returns. The driver prepares it anew the next time. */
    private static final String STALE_PLAN = "RevalidateCachedQuery";

    /**
     * The database admits no connections. Or the driver reports that a statement was closed, as it is when its
     * transaction has timed out.
     */
    private static final Set<String> NOT_ADMITTED = Set.of("CheckMyDatabase", "InitPostgres", "");

    /** Classifies the first failure of the database in the chain of causes. */
    public static DatabaseFailure of(Throwable e) {
        if (Causes.find(e, AutoCommitFailure.class) instanceof AutoCommitFailure failure) {
            return failure.isInDoubt() ? IN_DOUBT : ofCauses(Causes.of(e));
        }
        // Narayana adds the reason of a failed commit as a suppressed exception, not as a cause.
        if (Causes.find(e, RollbackException.class) instanceof RollbackException rollback) {
            DatabaseFailure ofCommit =
                    ofCauses(Stream.of(rollback.getSuppressed()).flatMap(Causes::of));
            if (ofCommit != DEFECT) {
                return ofCommit == OUTAGE ? IN_DOUBT : ofCommit;
            }
            if (rollback.getCause() == null && rollback.getSuppressed().length == 0) {
                // The transaction has timed out: it was too slow, or its statements were.
                return OUTAGE;
            }
        }
        return ofCauses(Causes.of(e));
    }

    /** Whether the caller is not at fault and the same work may succeed later. */
    public boolean isTransient() {
        return this == CONTENTION || this == OUTAGE || this == IN_DOUBT;
    }

    private static DatabaseFailure ofCauses(Stream<Throwable> causes) {
        return causes.filter(SQLException.class::isInstance)
                .map(SQLException.class::cast)
                .findFirst()
                .map(DatabaseFailure::ofFailure)
                .orElse(DEFECT);
    }

    // An outage must not be what one order can cause: it is neither counted nor bisected, so the queue would stop.
    private static DatabaseFailure ofFailure(SQLException e) {
        // The connection pool sets no state when it has no connection to offer.
        String known = Objects.requireNonNullElse(e.getSQLState(), "08000");
        return switch (known) {
            case "40003", "08007" -> IN_DOUBT; // statement completion unknown, transaction resolution unknown
            case "55P03", "55006" -> CONTENTION; // lock not available (lock_timeout), object in use
            case "0A000" -> STALE_PLAN.equals(routineOf(e)) ? OUTAGE : DEFECT; // feature not supported
            case "55000" -> NOT_ADMITTED.contains(routineOf(e)) ? OUTAGE : DEFECT; // object not in prerequisite state
            case "25006", "25P02", "25P03", "25P04" ->
                OUTAGE; // read-only, failed transaction, time-outs of a transaction
            case "3D000" -> OUTAGE; // no such database: it is being restored
            case "99999" -> OUTAGE; // the driver's own: the pool gave up an attempt to connect
            default ->
                switch (known.substring(0, 2)) {
                    case "22", "23" -> DATA; // data exception, integrity constraint violation
                    case "40" -> CONTENTION; // serialization failure, deadlock
                    case "3F", "42" -> SCHEMA; // no such schema, no such table or column, insufficient privilege
                    case "08", // connection exception
                            "26", // no such prepared statement: a wrong setting of PgBouncer
                            "28", // invalid authorization: the password has changed
                            "53", // insufficient resources
                            "57", // operator intervention: shutdown, statement_timeout
                            "58" -> // system error: I/O
                        OUTAGE;
                    default -> DEFECT;
                };
        };
    }

    /** The function of PostgreSQL that reports a failure; empty when the driver or a pooler does. */
    private static String routineOf(SQLException e) {
        return e instanceof PSQLException failure
                        && failure.getServerErrorMessage() != null
                        && failure.getServerErrorMessage().getRoutine() != null
                ? failure.getServerErrorMessage().getRoutine()
                : "";
    }

    /** The failure of a statement that was its own transaction: it may have come before the commit or after. */
    public static final class AutoCommitFailure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final boolean afterTheCommit;

        /** The statement failed, or there was no answer to it. */
        public AutoCommitFailure(SQLException cause) {
            this(cause, false);
        }

        private AutoCommitFailure(Exception cause, boolean afterTheCommit) {
            super(cause);
            this.afterTheCommit = afterTheCommit;
        }

        /** The statement has been executed, and then its result could not be read. */
        public static AutoCommitFailure afterTheCommit(Exception cause) {
            return new AutoCommitFailure(cause, true);
        }

        /** Whether the statement may have been committed nevertheless. */
        public boolean isInDoubt() {
            if (afterTheCommit) {
                return true;
            }
            // PostgreSQL reports every other error before it commits.
            String state = ((SQLException) getCause()).getSQLState();
            return state != null
                    && (state.startsWith("08")
                            || state.startsWith("57P")
                            || state.equals("40003")
                            || state.equals("99999"));
        }
    }
}
