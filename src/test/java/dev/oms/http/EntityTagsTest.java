package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How {@code If-Match} and {@code If-None-Match} compare their tags with version 7. */
class EntityTagsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            *                          | true  | true
            ` * `                      | true  | true
            "7"                        | true  | true
            ` \t"7"\t `                | true  | true
            W/"7"                      | false | true
            "6"                        | false | false
            "07"                       | false | false
            "77"                       | false | false
            ""                         | false | false
            "*"                        | false | false
            "6","7"                    | true  | true
            "6" , "7"                  | true  | true
            "6", W/"7"                 | false | true
            W/"7", "7"                 | true  | true
            , ,"6",,"7",               | true  | true
            "6,7"                      | false | false
            "6,", ",7"                 | false | false
            "W/7"                      | false | false
            "é!#~"                     | false | false
            """)
    void comparesStronglyForWritesAndWeaklyForReads(String header, boolean strongMatch, boolean weakMatch) {
        ThrowingCallable change = () -> IfMatch.from(List.of(header)).require("order", 1, 7);
        if (strongMatch) {
            assertThatCode(change).doesNotThrowAnyException();
        } else {
            assertThatThrownBy(change).isInstanceOfSatisfying(ProblemException.class, refused -> {
                assertThat(refused.problem().status()).isEqualTo(412);
                assertThat(refused.problem().title()).isEqualTo("Precondition Failed");
                assertThat(refused.problem().detail()).contains("order 1", "\"7\"");
            });
        }
        assertThat(IfNoneMatch.from(List.of(header)).matches(7)).isEqualTo(weakMatch);
    }

    @Test
    void joinsRepeatedHeaders() {
        assertThatCode(() -> IfMatch.from(List.of("\"5\"", "\"6\", \"7\"")).require("order", 1, 7))
                .doesNotThrowAnyException();
        assertThat(IfNoneMatch.from(List.of("\"5\"", "\"7\"")).matches(7)).isTrue();
        isRejected(() -> IfMatch.from(List.of("*", "\"7\"")));
    }

    @Test
    void requiresNothingWhenAbsent() {
        assertThatCode(() -> IfMatch.from(List.of()).require("order", 1, 7)).doesNotThrowAnyException();
        assertThat(IfNoneMatch.from(List.of()).matches(7)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                ",",
                "7",
                "\"7",
                "7\"",
                "'7'",
                "\"7\" \"8\"",
                "\"7\"\"8\"",
                "\"7\";x",
                "w/\"7\"",
                "W/7",
                "W/ \"7\"",
                "W/",
                "**",
                "*, *",
                "*, \"7\"",
                "\"7\", *",
                "\"7\", 8",
                "\"7 8\"",
                "\"7\t\"",
                "\"7\u007F\"",
                "\"\u0100\""
            })
    void rejectsInvalidLists(String header) {
        isRejected(() -> IfMatch.from(List.of(header)));
        isRejected(() -> IfNoneMatch.from(List.of(header)));
    }

    @Test
    void rejectsAVeryLongHeaderQuickly() {
        long started = System.nanoTime();

        isRejected(() -> IfMatch.from(List.of(" ".repeat(100_000) + "7")));
        isRejected(() -> IfMatch.from(List.of("\"".repeat(100_000) + "7")));
        isRejected(() -> IfMatch.from(List.of(" , ".repeat(100_000) + "7")));

        assertThat(System.nanoTime() - started).isLessThan(2_000_000_000L);
    }

    private static void isRejected(ThrowingCallable header) {
        assertThatThrownBy(header).isInstanceOfSatisfying(ProblemException.class, refused -> {
            assertThat(refused.problem().status()).isEqualTo(400);
            assertThat(refused.problem().detail()).matches("If-(None-)?Match must be .*");
        });
    }
}
