package dev.oms.http;

/** Limits on the text that clients send. */
public final class Texts {
    /** The maximum length of a name, in characters. */
    public static final int NAME_MAX = 255;

    /**
     * Matches text that PostgreSQL and a log line can hold: no control characters (such as NUL), no unpaired
     * surrogates, and at least one visible character. Possessive, so it never backtracks; otherwise 1 MiB ending in NUL
     * would take an hour.
     */
    public static final String PRINTABLE = " *+[^\\p{Cc}\\p{Cs}\\s][^\\p{Cc}\\p{Cs}]*+";

    /** The validation message for text that is not {@link #PRINTABLE}. */
    public static final String PRINTABLE_MESSAGE = "must not be blank or contain control characters";

    private Texts() {}

    /** Cuts text after {@code max} characters, so that it can be echoed. */
    public static String shorten(String text, int max) {
        return text.length() <= max ? text : text.substring(0, max) + "…";
    }
}
