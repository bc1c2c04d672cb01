package dev.oms.http;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The header {@code Idempotency-Key}: a client's name for an operation, so that a retry does not repeat it. Clients
 * that use structured fields quote the key, others do not; {@code "abc"} and {@code abc} are the same key.
 *
 * @param value the key without quotes: 1 to 255 printable ASCII characters
 * @see <a href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/">The Idempotency-Key HTTP
 *     Header Field, IETF draft</a>
 */
public record IdempotencyKey(String value) {
    public static final String HEADER = "Idempotency-Key";

    /** The header of a response to a request whose key had been used before. */
    public static final String REPLAYED = "Idempotency-Replayed";

    private static final int LENGTH_MAX = 255;
    private static final Pattern BARE = Pattern.compile("[ -~&&[^\"]][ -~]*+");
    // A string as in RFC 8941, §3.3.3: quotes and backslashes, and nothing else, are escaped.
    private static final Pattern QUOTED = Pattern.compile("\"((?:[ -~&&[^\"\\\\]]|\\\\[\"\\\\])*+)\"");
    private static final Pattern ESCAPED = Pattern.compile("\\\\(.)");

    /**
     * Parses the values of the header; empty when it is absent.
     *
     * @throws ProblemException 400 when the header is repeated or the key is invalid
     */
    public static Optional<IdempotencyKey> from(List<String> headers) {
        if (headers.isEmpty()) {
            return Optional.empty();
        }
        if (headers.size() > 1) {
            throw ProblemException.malformed(HEADER + " must be sent only once.");
        }
        String value = unquoted(headers.getFirst());
        if (value.isEmpty() || value.length() > LENGTH_MAX) {
            throw ProblemException.malformed(
                    HEADER + " must be 1 to " + LENGTH_MAX + " printable ASCII characters, quoted or not.");
        }
        return Optional.of(new IdempotencyKey(value));
    }

    /** Returns an empty string when the value is neither a quoted nor a bare key. */
    private static String unquoted(String header) {
        Matcher quoted = QUOTED.matcher(header);
        if (quoted.matches()) {
            return ESCAPED.matcher(quoted.group(1)).replaceAll("$1");
        }
        return BARE.matcher(header).matches() ? header : "";
    }
}
