package dev.oms.http;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The entity tags listed by a conditional request.
 *
 * @param any whether the header is {@code *} instead of a list
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3">RFC 9110, §8.8.3, ETag</a>
 */
record EntityTags(boolean any, List<EntityTag> tags) {
    // One list element, which may be empty (§5.6.1). Possessive, so it never backtracks, however long the header is.
    private static final Pattern ELEMENT =
            Pattern.compile("\\G[ \\t]*+(?:(W/)?+\"([!#-~\\x80-\\xFF]*+)\"[ \\t]*+)?+(?:,|\\z)");

    /**
     * One tag.
     *
     * @param opaque the text between the quotes
     */
    record EntityTag(boolean weak, String opaque) {}

    /**
     * Parses the values of a header that is present.
     *
     * @throws ProblemException 400 when they are neither entity tags nor {@code *}
     */
    static EntityTags from(String header, List<String> values) {
        // Repeated headers form one list.
        String list = String.join(",", values);
        if (list.strip().equals("*")) {
            return new EntityTags(true, List.of());
        }
        List<EntityTag> tags = new ArrayList<>();
        Matcher element = ELEMENT.matcher(list);
        int end = 0;
        while (end < list.length() && element.find()) {
            if (element.group(2) != null) {
                tags.add(new EntityTag(element.group(1) != null, element.group(2)));
            }
            end = element.end();
        }
        if (end < list.length() || tags.isEmpty()) {
            throw ProblemException.malformed(header + " must be * or a comma-separated list of quoted ETags.");
        }
        return new EntityTags(false, tags);
    }
}
