package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextsTest {
    private static final Pattern PRINTABLE = Pattern.compile(Texts.PRINTABLE);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a",
                " a ",
                "Zoë",
                "Zoe\u0308",
                "علی",
                "שלום",
                "नमस्ते",
                "한국어",
                "葛飾",
                "❤",
                "I ❤\ufe0f fries",
                "🏳",
                "a\u00a0b",
                "a \u3000 b",
                "  a\u2009b  ",
                "I ❤\ufe0f \u00a0❤\ufe0f❤\ufe0f "
            })
    void printable(String text) {
        assertThat(text).matches(PRINTABLE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "\u00a0",
                "\u3000\u2003",
                // Spaces at the ends that nobody sees
                "\u00a0a",
                "a\u00a0",
                "\u3000a",
                "a\u2003",
                " \u202fa",
                "a\u2009 ",
                "\0",
                "a\0",
                "a\n",
                "\t",
                "a\u007f",
                "a\u0085",
                // Soft hyphen, Arabic letter mark, Mongolian vowel separator
                "a\u00adb",
                "a\u061cb",
                "a\u180eb",
                // Zero-width space, non-joiner, joiner, no-break space
                "a\u200bb",
                "a\u200cb",
                "a\u200db",
                "a\ufeffb",
                "\ufeff",
                // Marks, overrides, embeddings, isolates
                "a\u200e",
                "a\u200f",
                "a\u202ab",
                "a\u202eb",
                "a\u2066b",
                "a\u2069b",
                // Word joiner, invisible times
                "a\u2060b",
                "a\u2062b",
                "a\u2028b",
                "a\u2029b",
                "\ufff9a",
                // A tag, as in flags and hidden messages
                "a\udb40\udc41",
                // Fillers that are letters or marks to Unicode, but take no space or show nothing
                "a\u034fb",
                "\u115f",
                "\u1160",
                "\u3164",
                "\uffa0",
                "a\u180bb",
                // Ignorable, though not assigned
                "a\u2065b",
                "a\ufff0b",
                // The braille pattern without dots, the null notehead
                "\u2800",
                "a\u2800b",
                "a\ud834\udd59b",
                // Private use in the planes 0, 15 and 16
                "\ue000",
                "a\uf8ffb",
                "a\udb80\udc00b",
                "a\udbff\udffdb",
                // Noncharacters
                "a\ufdd0b",
                "a\ufffe",
                "a\ud83f\udfffb",
                // Variation selectors that have nothing to choose
                "a\ufe0f",
                "1\ufe0f",
                "\ufe0fa",
                "a\udb40\udd00",
                "a\ud800",
                "\udc00a"
            })
    void notPrintable(String text) {
        assertThat(text).doesNotMatch(PRINTABLE);
    }

    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "burger,burger",
                " burger ,burger",
                "\u00a0 two  words\u3000,two  words",
                "a\u00a0b\u2003c,a b c",
                "Cafe\u0301,Caf\u00e9",
                "Caf\u00e9,Caf\u00e9",
                "\u212b,\u00c5",
                // Composed only once the joiner between them is gone.
                "e\u034f\u0301,\u00e9",
                "\u202eabc\u202c,abc",
                "a\u200bb\ufeff,ab",
                "a\u00adb,ab",
                "\u2764\ufe0f,\u2764",
                "\ud55c\ud83d\udc69\u200d\ud83c\udf73,\ud55c\ud83d\udc69\ud83c\udf73",
                "\u1112\u1161\u11ab,\ud55c",
                "' ',''",
                "'\u200b\u3000',''",
                // For others to refuse.
                "a\u2800,a\u2800"
            })
    void namesHaveOneForm(String name, String expected) {
        assertThat(Texts.normalizeName(name)).isEqualTo(expected);
        assertThat(Texts.normalizeName(expected)).isEqualTo(expected);
    }

    @Test
    void normalizingTwiceChangesNothing() {
        assertThat(Texts.normalizeName("\ta\n")).isEqualTo("\ta\n");
        IntStream.rangeClosed(0, Character.MAX_CODE_POINT)
                .mapToObj(c -> "a" + Character.toString(c) + "\u0301 " + Character.toString(c))
                .forEach(name -> {
                    String normal = Texts.normalizeName(name);
                    assertThat(Texts.normalizeName(normal)).isEqualTo(normal);
                });
    }

    /** The worst for a sorter: marks in the wrong order, and spaces that are not at the end. */
    @Test
    void normalizesLongNamesInTime() {
        List<String> names = List.of(
                "\u0301\u0327\u0345".repeat(50_000),
                "\u0345".repeat(1_000) + "\u0301".repeat(150_000),
                " ".repeat(150_000) + "x");

        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> names.forEach(Texts::normalizeName));
    }

    /** Whatever Unicode puts into these categories. */
    @Test
    void noFormatCharacterIsPrintable() {
        assertThat(IntStream.rangeClosed(0, Character.MAX_CODE_POINT)
                        .filter(c -> switch (Character.getType(c)) {
                            case Character.FORMAT,
                                    Character.CONTROL,
                                    Character.PRIVATE_USE,
                                    Character.SURROGATE,
                                    Character.LINE_SEPARATOR,
                                    Character.PARAGRAPH_SEPARATOR -> true;
                            default -> false;
                        })
                        .mapToObj(c -> "a" + Character.toString(c) + "b"))
                .noneMatch(text -> PRINTABLE.matcher(text).matches());
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", " ", "\u3000", "❤\ufe0f", "\u00e9", "a ", "a\u00a0"})
    void isMatchedInOnePass(String part) {
        String text = part.repeat((1 << 20) / part.length()) + "\0";

        assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> assertThat(PRINTABLE.matcher(text).matches()).isFalse());
    }
}
