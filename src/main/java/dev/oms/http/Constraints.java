package dev.oms.http;

import org.hibernate.exception.ConstraintViolationException;

/** Tells which of the schema's constraints a write broke. */
public final class Constraints {
    private Constraints() {}

    /** The name of the broken constraint, or an empty text when it was something else. */
    public static String brokenBy(Throwable e) {
        ConstraintViolationException violation = Causes.find(e, ConstraintViolationException.class);
        return violation == null || violation.getConstraintName() == null ? "" : violation.getConstraintName();
    }
}
