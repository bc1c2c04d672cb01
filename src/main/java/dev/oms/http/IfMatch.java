package dev.oms.http;

import dev.oms.http.EntityTags.EntityTag;
import java.util.List;

/**
 * The header {@code If-Match}: a thing is to be changed only as long as it is at a version that the client knows. To be
 * {@linkplain #require required} of what is locked, or it may change in between.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1">RFC 9110, §13.1.1, If-Match</a>
 */
public final class IfMatch {
    /** Its name. */
    public static final String HEADER = "If-Match";

    private static final IfMatch ABSENT = new IfMatch(new EntityTags(true, List.of()));

    private final EntityTags expected;

    private IfMatch(EntityTags expected) {
        this.expected = expected;
    }

    /**
     * The values of the header; without any, every version is right.
     *
     * @throws ProblemException 400 when they are neither tags nor {@code *}
     */
    public static IfMatch from(List<String> headers) {
        return headers.isEmpty() ? ABSENT : new IfMatch(EntityTags.from(HEADER, headers));
    }

    /**
     * Does nothing when the thing is at an expected version. A weak tag never is one.
     *
     * @throws ProblemException 412 when it is not
     */
    public void require(String what, long id, long version) {
        if (!expected.any() && !expected.tags().contains(new EntityTag(false, Long.toString(version)))) {
            throw ProblemException.preconditionFailed(what, id, version);
        }
    }
}
