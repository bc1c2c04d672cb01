package dev.oms.http;

import java.util.stream.Stream;

/** Searches an exception's chain of causes. */
public final class Causes {
    private Causes() {}

    /** The exception and its causes, outermost first. */
    public static Stream<Throwable> of(Throwable e) {
        // Limited, because a chain of causes may be circular.
        return Stream.iterate(e, cause -> cause != null, Throwable::getCause).limit(20);
    }

    /** The outermost exception of a type in the chain, or null. */
    public static <T extends Throwable> T find(Throwable e, Class<T> type) {
        return of(e).filter(type::isInstance).map(type::cast).findFirst().orElse(null);
    }

    /** The innermost cause that has a message, or the exception itself. */
    public static Throwable root(Throwable e) {
        return of(e).filter(cause -> cause.getMessage() != null)
                .reduce((outer, inner) -> inner)
                .orElse(e);
    }
}
