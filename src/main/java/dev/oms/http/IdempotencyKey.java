package dev.oms.http;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The header {@code Idempotency-Key}: what a client calls an attempt, so that trying it again does not do it again.
 * Structured-field clients quote it, others do not; {@code "abc"} and {@code abc} are the same key.
 *
 * @param value the key without quotes: 1 to 255 printable ASCII characters
 * @see <a href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/">The Idempotency-Key HTTP
 *     Header Field, IETF draft</a>
 */
public record IdempotencyKey(String value) {
    /** Its name. */
    public static final String HEADER = "Idempotency-Key";

    private static final int LENGTH_MAX = 255;
    private static final Pattern BARE = Pattern.compile("[ -~&&[^\"]][ -~]*+");
    // A string of RFC 8941, §3.3.3: only quote and backslash are escaped, and both always are.
    private static final Pattern QUOTED = Pattern.compile("\"((?:[ -~&&[^\"\\\\]]|\\\\[\"\\\\])*+)\"");
    private static final Pattern ESCAPED = Pattern.compile("\\\\(.)");

    /**
     * The key among the values of the header, if there is any.
     *
     * @throws ProblemException 400 when there are several, or it is not what a key may be
     */
    public static Optional<IdempotencyKey> from(List<String> headers) {
        if (headers.isEmpty()) {
            return Optional.empty();
        }
        if (headers.size() > 1) {
            throw ProblemException.malformed(HEADER + " must stand in the request once.");
        }
        String value = unquoted(headers.getFirst());
        if (value.isEmpty() || value.length() > LENGTH_MAX) {
            throw ProblemException.malformed(
                    HEADER + " must be 1 to " + LENGTH_MAX + " printable ASCII characters, quoted or not.");
        }
        return Optional.of(new IdempotencyKey(value));
    }

    /** An empty text when it is neither a quoted key nor a bare one. */
    private static String unquoted(String header) {
        Matcher quoted = QUOTED.matcher(header);
        if (quoted.matches()) {
            return ESCAPED.matcher(quoted.group(1)).replaceAll("$1");
        }
        return BARE.matcher(header).matches() ? header : "";
    }
}
