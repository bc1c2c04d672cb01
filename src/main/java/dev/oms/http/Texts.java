package dev.oms.http;

import java.text.Normalizer;
import java.util.regex.Pattern;

/** Limits on the text that clients send. */
public final class Texts {
    /** The maximum length of a name, in characters. */
    public static final int NAME_MAX = 255;

    /** Unicode's Default_Ignorable_Code_Point, which {@code V18} has too. */
    private static final String IGNORABLE =
            "\\x{AD}\\x{34F}\\x{61C}\\x{115F}\\x{1160}\\x{17B4}\\x{17B5}\\x{180B}-\\x{180F}\\x{200B}-\\x{200F}"
                    + "\\x{202A}-\\x{202E}\\x{2060}-\\x{206F}\\x{3164}\\x{FE00}-\\x{FE0F}\\x{FEFF}\\x{FFA0}"
                    + "\\x{FFF0}-\\x{FFF8}\\x{1BCA0}-\\x{1BCA3}\\x{1D173}-\\x{1D17A}\\x{E0000}-\\x{E0FFF}";

    /** What a text must not contain: see {@link #PRINTABLE}. */
    private static final String REFUSED = "\\p{Cc}\\p{Cf}\\p{Co}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Cn}"
            + IGNORABLE
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
     *   <li>It has no private-use characters, which have no agreed look, and none that Unicode has not assigned:
     *       whether they look like others is not known yet. By the JDK's version of Unicode, about a year behind.
     *   <li>It has no invisible or direction characters: two names would look the same, or a line would read backwards.
     *       This includes the joiners inside some emoji and Persian words. The one exception is the selector that makes
     *       a pictograph an emoji (&#x2764;&#xFE0F;), because keyboards add it.
     * </ul>
     *
     * <p>Possessive, so it never backtracks; otherwise 1 MiB ending in NUL would take an hour.
     *
     * @see <a href="https://www.unicode.org/reports/tr36/">Unicode TR 36, Security Considerations</a>
     */
    public static final String PRINTABLE = " *+" + WORD + "(?:\\p{Zs}++" + WORD + ")*+ *+";

    /** The validation message for text that is not {@link #PRINTABLE}. */
    public static final String PRINTABLE_MESSAGE =
            "must not be blank, contain invisible or control characters, or have a space other than U+0020 at an end";

    private static final Pattern INVISIBLE = Pattern.compile("[" + IGNORABLE + "]");

    private static final int NORMALIZED_MAX = 3 * NAME_MAX;

    private static final Pattern SPACE = Pattern.compile("\\p{Zs}");
    private static final Pattern SPACES_AT_THE_ENDS = Pattern.compile("^ ++|(?<! ) ++$");

    private static final Pattern STORABLE = Pattern.compile("[^\\x{0}\\p{Cs}]*+");

    private Texts() {}

    /**
     * Whether PostgreSQL can hold a text: it has neither NUL nor unpaired surrogates. Check this, not
     * {@link #PRINTABLE}, before looking a text up: rows older than a rule may break it.
     */
    public static boolean isStorable(String text) {
        return STORABLE.matcher(text).matches();
    }

    /**
     * The form in which the names of items are stored and looked up, so that names that look the same are the same:
     *
     * <ul>
     *   <li>Invisible and direction characters are removed, also the joiners and selectors inside some emoji.
     *   <li>Every space becomes U+0020, and there is none at the ends.
     *   <li>It is in normalization form C: an accent is part of its letter where there is such a letter.
     * </ul>
     *
     * <p>A text of more than {@value #NORMALIZED_MAX} characters is left as it is: it is no name, and thousands of
     * accents on one letter take long to sort. What is left may be empty, or break other rules: see {@link #PRINTABLE}.
     *
     * @see <a href="https://www.unicode.org/reports/tr15/">Unicode Standard Annex 15, Unicode Normalization Forms</a>
     */
    public static String normalizeName(String name) {
        if (name.length() > NORMALIZED_MAX || isNormalAscii(name)) {
            return name;
        }
        String visible = INVISIBLE.matcher(name).replaceAll("");
        String spaced = SPACE.matcher(visible).replaceAll(" ");
        return SPACES_AT_THE_ENDS
                .matcher(Normalizer.normalize(spaced, Normalizer.Form.NFC))
                .replaceAll("");
    }

    /** Most names are: they cost a loop and no copy. */
    private static boolean isNormalAscii(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) >= 0x80) {
                return false;
            }
        }
        return !name.startsWith(" ") && !name.endsWith(" ");
    }

    /** Cuts text after {@code max} characters, so that it can be echoed. */
    public static String shorten(String text, int max) {
        return text.length() <= max ? text : text.substring(0, max) + "…";
    }
}
