package dev.oms.http;

import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Tells which of the schema's constraints a write broke. */
public final class DatabaseConstraints {
    private DatabaseConstraints() {}

    /** The name of the broken constraint, or an empty text when it was something else. */
    public static String violatedBy(Throwable e) {
        PSQLException violation = Causes.find(e, PSQLException.class);
        ServerErrorMessage serverError = violation == null ? null : violation.getServerErrorMessage();
        return serverError == null || serverError.getConstraint() == null ? "" : serverError.getConstraint();
    }
}
