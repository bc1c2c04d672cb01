package dev.oms.http;

import java.util.stream.Stream;

/** Looks behind an exception. */
public final class Causes {
    private Causes() {}

    /** The exception and what caused it, outermost first. */
    public static Stream<Throwable> of(Throwable e) {
        // A cause that causes itself would never end.
        return Stream.iterate(e, cause -> cause != null, Throwable::getCause).limit(20);
    }

    /** The outermost cause of a type, the exception itself included, or null. */
    public static <T extends Throwable> T find(Throwable e, Class<T> type) {
        return of(e).filter(type::isInstance).map(type::cast).findFirst().orElse(null);
    }

    /** What started it, as far as that says anything. */
    public static Throwable root(Throwable e) {
        return of(e).filter(cause -> cause.getMessage() != null)
                .reduce((outer, inner) -> inner)
                .orElse(e);
    }
}
