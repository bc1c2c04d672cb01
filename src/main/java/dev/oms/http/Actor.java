package dev.oms.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The author of a change, as the timeline shows it: the name in the header {@code OMS-Actor}, which is not verified.
 * With keys, the key's name, and the header's in parentheses.
 *
 * @param name printable characters, of which up to 100 are from the header
 */
public record Actor(String name) {
    public static final String HEADER = "OMS-Actor";

    /** The actor when the header is absent. */
    public static final Actor API = new Actor("api");

    private static final int LENGTH_MAX = 100;
    private static final Pattern PRINTABLE = Pattern.compile(Texts.PRINTABLE);

    /**
     * Parses the values of the header, which are UTF-8.
     *
     * @param headers as the HTTP server decodes them: one character a byte
     * @throws ProblemException 400 when the header is repeated or the name is invalid
     */
    public static Actor from(List<String> headers) {
        if (headers.isEmpty()) {
            return API;
        }
        String name = utf8(headers.getFirst());
        if (headers.size() > 1
                || name.codePointCount(0, name.length()) > LENGTH_MAX
                || !PRINTABLE.matcher(name).matches()) {
            throw ProblemException.malformed(
                    HEADER + " must be sent only once, with 1 to " + LENGTH_MAX + " printable characters in UTF-8.");
        }
        return new Actor(name);
    }

    /** Returns an empty string when the bytes are not UTF-8. */
    private static String utf8(String header) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(header.getBytes(StandardCharsets.ISO_8859_1)))
                    .toString();
        } catch (CharacterCodingException e) {
            return "";
        }
    }
}
