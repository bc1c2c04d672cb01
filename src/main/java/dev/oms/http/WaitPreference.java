package dev.oms.http;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The preference {@code wait} in the header {@code Prefer}: for how long a client wants its call to wait for what it
 * asks for. Preferences are wishes: others are ignored, and so is one that cannot be understood.
 *
 * @param seconds 1 to {@value #SECONDS_MAX}; a client that asks for more gets that
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7240">RFC 7240, Prefer Header for HTTP</a>
 */
public record WaitPreference(int seconds) {
    public static final String HEADER = "Prefer";

    /** The header of a response that tells which preference was applied. */
    public static final String APPLIED = "Preference-Applied";

    private static final int SECONDS_MAX = 30;

    private static final String NAME = "wait";
    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]++";
    private static final String QUOTED = "\"(?:[^\"\\\\]|\\\\.)*+\"";
    private static final String PAIR = "(%1$s)(?:[ \\t]*+=[ \\t]*+(%1$s|%2$s)?+)?+".formatted(TOKEN, QUOTED);

    // One preference with its parameters (§2). Possessive, so it never backtracks, however long the header is.
    private static final Pattern PREFERENCE = Pattern.compile(
            "[ \\t]*+%s(?:[ \\t]*+;[ \\t]*+(?:%s)?+)*+[ \\t]*+(?:,|\\z)".formatted(PAIR, PAIR), Pattern.DOTALL);

    /** Up to the next comma outside of quotes. */
    private static final Pattern ANYTHING = Pattern.compile("(?:%s|[^,])*+(?:,|\\z)".formatted(QUOTED), Pattern.DOTALL);

    private static final Pattern SECONDS = Pattern.compile("0*+([0-9]{1,9})[0-9]*+");

    /** Finds the preference in the values of the header; empty if there is none, or none that can be met. */
    public static Optional<WaitPreference> from(List<String> headers) {
        for (String header : headers) {
            Matcher preference = PREFERENCE.matcher(header);
            Matcher anything = ANYTHING.matcher(header);
            int start = 0;
            while (start < header.length()) {
                if (preference.region(start, header.length()).lookingAt()) {
                    if (preference.group(1).equalsIgnoreCase(NAME)) {
                        // Of several with one name, the first counts.
                        return of(preference.group(2));
                    }
                    start = preference.end();
                } else {
                    anything.region(start, header.length()).lookingAt();
                    start = anything.end();
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<WaitPreference> of(String value) {
        Matcher seconds = SECONDS.matcher(
                value == null ? "" : value.startsWith("\"") ? value.substring(1, value.length() - 1) : value);
        if (!seconds.matches()) {
            return Optional.empty();
        }
        int limited = Math.min(Integer.parseInt(seconds.group(1)), SECONDS_MAX);
        return limited == 0 ? Optional.empty() : Optional.of(new WaitPreference(limited));
    }

    public Duration duration() {
        return Duration.ofSeconds(seconds);
    }

    /** The value of {@value #APPLIED}. */
    public String applied() {
        return NAME + "=" + seconds;
    }
}
