package dev.oms.access;

import dev.oms.http.Problem;
import io.quarkus.security.identity.SecurityIdentity;

/**
 * What is known about a key or a token.
 *
 * @param identity who has it, or null if it is refused
 * @param refusal the answer to its calls if it is refused, or null
 * @param untilNanos how long this may be relied on, by {@link System#nanoTime}
 */
record Verdict(SecurityIdentity identity, Problem refusal, long untilNanos) {
    static Verdict valid(SecurityIdentity identity, long untilNanos) {
        return new Verdict(identity, null, untilNanos);
    }

    static Verdict refused(Problem refusal, long untilNanos) {
        return new Verdict(null, refusal, untilNanos);
    }

    boolean isValid() {
        return identity != null;
    }

    /** Whether the verdict may still be relied on. */
    boolean isFresh(long nanoTime) {
        return untilNanos - nanoTime > 0;
    }

    /** The same, which must be asked for again before it is relied on. */
    Verdict stale(long nanoTime) {
        return new Verdict(identity, refusal, nanoTime);
    }
}
