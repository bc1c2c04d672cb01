package dev.oms.http;

import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Finds the constraint of the database schema that a write violated. */
public final class DatabaseConstraints {
    private DatabaseConstraints() {}

    /** The name of the violated constraint, or an empty string when the failure has another cause. */
    public static String violatedBy(Throwable e) {
        PSQLException violation = Causes.find(e, PSQLException.class);
        ServerErrorMessage serverError = violation == null ? null : violation.getServerErrorMessage();
        return serverError == null || serverError.getConstraint() == null ? "" : serverError.getConstraint();
    }
}
