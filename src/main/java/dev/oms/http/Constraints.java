package dev.oms.http;

import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Tells which of the schema's constraints a write broke. */
public final class Constraints {
    private Constraints() {}

    /** The name of the broken constraint, or an empty text when it was something else. */
    public static String brokenBy(Throwable e) {
        PSQLException violation = Causes.find(e, PSQLException.class);
        ServerErrorMessage told = violation == null ? null : violation.getServerErrorMessage();
        return told == null || told.getConstraint() == null ? "" : told.getConstraint();
    }
}
