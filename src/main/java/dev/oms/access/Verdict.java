package dev.oms.access;

import io.quarkus.security.identity.SecurityIdentity;
import java.util.Optional;

/**
 * What is known about a key or a token.
 *
 * @param identity who has it, or empty if it is refused
 * @param untilNanos how long this may be relied on, by {@link System#nanoTime}
 */
record Verdict(Optional<SecurityIdentity> identity, long untilNanos) {
    /** Whether the verdict may still be relied on. */
    boolean isFresh(long nanoTime) {
        return untilNanos - nanoTime > 0;
    }
}
