package dev.oms.http;

/** What may stand in a text that a client sends. */
public final class Texts {
    /** The longest name of anything, in characters. */
    public static final int NAME_MAX = 255;

    /**
     * A text that PostgreSQL and a log line can hold: no control characters (NUL among them), no halves of surrogate
     * pairs, and something to see. Never takes a step back: a mebibyte that ends in NUL would take an hour otherwise.
     */
    public static final String PRINTABLE = " *+[^\\p{Cc}\\p{Cs}\\s][^\\p{Cc}\\p{Cs}]*+";

    /** What is said of a text that is not {@link #PRINTABLE}. */
    public static final String PRINTABLE_MESSAGE = "must not be blank nor hold control characters";

    private Texts() {}

    /** A text as it can be echoed: cut after so many characters. */
    public static String shorten(String text, int max) {
        return text.length() <= max ? text : text.substring(0, max) + "…";
    }
}
