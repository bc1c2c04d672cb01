package dev.oms.http;

import java.util.List;

/**
 * The header {@code If-None-Match} of a read: the versions that the client already has.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2">RFC 9110, §13.1.2, If-None-Match</a>
 */
public final class IfNoneMatch {
    public static final String HEADER = "If-None-Match";

    private static final IfNoneMatch ABSENT = new IfNoneMatch(new EntityTags(false, List.of()));

    private final EntityTags known;

    private IfNoneMatch(EntityTags known) {
        this.known = known;
    }

    /**
     * Parses the values of the header. If it is absent, no version matches.
     *
     * @throws ProblemException 400 when they are neither entity tags nor {@code *}
     */
    public static IfNoneMatch from(List<String> headers) {
        return headers.isEmpty() ? ABSENT : new IfNoneMatch(EntityTags.from(HEADER, headers));
    }

    /** Whether the client already has this version. Weak tags match like strong ones. */
    public boolean matches(long version) {
        return matches(Long.toString(version));
    }

    boolean matches(String opaque) {
        return known.any() || known.tags().stream().anyMatch(tag -> tag.opaque().equals(opaque));
    }
}
