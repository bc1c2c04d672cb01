package dev.oms.http;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Who changes something, as the header {@code OMS-Actor} says: a name for the timeline, which nobody verifies.
 *
 * @param name 1 to 100 printable characters
 */
public record Actor(String name) {
    /** The name of the header. */
    public static final String HEADER = "OMS-Actor";

    /** Whoever does not say. */
    public static final Actor API = new Actor("api");

    private static final int LENGTH_MAX = 100;
    private static final Pattern PRINTABLE = Pattern.compile(Texts.PRINTABLE);

    /**
     * The actor among the values of the header.
     *
     * @throws ProblemException 400 when there are several, or it is not what a name may be
     */
    public static Actor from(List<String> headers) {
        if (headers.isEmpty()) {
            return API;
        }
        String name = headers.getFirst();
        if (headers.size() > 1
                || name.length() > LENGTH_MAX
                || !PRINTABLE.matcher(name).matches()) {
            throw ProblemException.malformed(
                    HEADER + " must stand in the request once, with 1 to " + LENGTH_MAX + " printable characters.");
        }
        return new Actor(name);
    }
}
