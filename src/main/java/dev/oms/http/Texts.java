package dev.oms.http;

import java.util.regex.Pattern;

/** Limits on the text that clients send. */
public final class Texts {
    /** The maximum length of a name, in characters. */
    public static final int NAME_MAX = 255;

    /** What a text must not contain: see {@link #PRINTABLE}. */
    private static final String REFUSED = "\\p{Cc}\\p{Cf}\\p{Co}\\p{Cs}\\p{Zl}\\p{Zp}\\p{IsNoncharacter_Code_Point}"
            // Not format characters to Unicode, but its Default_Ignorable_Code_Point: fillers and variation selectors.
            + "\\x{34F}\\x{115F}\\x{1160}\\x{17B4}\\x{17B5}\\x{180B}-\\x{180F}\\x{2065}\\x{3164}\\x{FE00}-\\x{FE0F}"
            + "\\x{FFA0}\\x{FFF0}-\\x{FFF8}\\x{E0000}-\\x{E0FFF}"
            // Symbols that show nothing: the braille pattern without dots, the null notehead.
            + "\\x{2800}\\x{1D159}";

    /** Characters that are not spaces, and emoji with their selector. */
    private static final String WORD = "[^\\p{Zs}" + REFUSED + "]++"
            + "(?:(?<=\\p{IsExtended_Pictographic})\\x{FE0F}[^\\p{Zs}" + REFUSED + "]*+)*+";

    /**
     * Matches text without characters that nobody sees, and that PostgreSQL and a log line can hold. It does not tell
     * look-alikes apart, such as a Latin and a Cyrillic a.
     *
     * <ul>
     *   <li>It has at least one character that is not a space.
     *   <li>At its ends it has no spaces other than U+0020: nobody sees a no-break space there.
     *   <li>It has no control characters (such as NUL), no line separators, no unpaired surrogates.
     *   <li>It has no private-use characters and no noncharacters, which have no agreed look.
     *   <li>It has no invisible or direction characters: two names would look the same, or a line would read backwards.
     *       This includes the joiners inside some emoji and Persian words. The one exception is the selector that makes
     *       a pictograph an emoji (&#x2764;&#xFE0F;), because keyboards add it.
     * </ul>
     *
     * <p>Characters that are not assigned are accepted: a later version of Unicode than the JDK's may have them.
     *
     * <p>Possessive, so it never backtracks; otherwise 1 MiB ending in NUL would take an hour.
     *
     * @see <a href="https://www.unicode.org/reports/tr36/">Unicode TR 36, Security Considerations</a>
     */
    public static final String PRINTABLE = " *+" + WORD + "(?:\\p{Zs}++" + WORD + ")*+ *+";

    /** The validation message for text that is not {@link #PRINTABLE}. */
    public static final String PRINTABLE_MESSAGE =
            "must not be blank, contain invisible or control characters, or have a space other than U+0020 at an end";

    private static final Pattern STORABLE = Pattern.compile("[^\\x{0}\\p{Cs}]*+");

    private Texts() {}

    /**
     * Whether PostgreSQL can hold a text: it has neither NUL nor unpaired surrogates. Check this, not
     * {@link #PRINTABLE}, before looking a text up: rows older than a rule may break it.
     */
    public static boolean isStorable(String text) {
        return STORABLE.matcher(text).matches();
    }

    /** Cuts text after {@code max} characters, so that it can be echoed. */
    public static String shorten(String text, int max) {
        return text.length() <= max ? text : text.substring(0, max) + "…";
    }
}
