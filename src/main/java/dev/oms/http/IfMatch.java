package dev.oms.http;

import dev.oms.http.EntityTags.EntityTag;
import java.util.List;

/**
 * The header {@code If-Match}: a resource may be changed only if it is still at a version that the client knows. Call
 * {@link #require} while holding the resource's lock; otherwise it may change in between.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1">RFC 9110, §13.1.1, If-Match</a>
 */
public final class IfMatch {
    public static final String HEADER = "If-Match";

    private static final IfMatch ABSENT = new IfMatch(new EntityTags(true, List.of()));

    private final EntityTags expected;

    private IfMatch(EntityTags expected) {
        this.expected = expected;
    }

    /**
     * Parses the values of the header. If it is absent, every version matches.
     *
     * @throws ProblemException 400 when they are neither entity tags nor {@code *}
     */
    public static IfMatch from(List<String> headers) {
        return headers.isEmpty() ? ABSENT : new IfMatch(EntityTags.from(HEADER, headers));
    }

    /**
     * Checks that the resource is at an expected version. Weak tags never match.
     *
     * @throws ProblemException 412 when it is at another version
     */
    public void require(String what, long id, long version) {
        if (!expected.any() && !expected.tags().contains(new EntityTag(false, Long.toString(version)))) {
            throw ProblemException.preconditionFailed(what, id, version);
        }
    }
}
