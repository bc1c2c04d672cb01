package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Which headers are valid keys, and which keys are equal. */
class IdempotencyKeyTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            abc           | abc
            "abc"         | abc
            8e03978e-40d5-43dd-bc93-6894a57f9324   | 8e03978e-40d5-43dd-bc93-6894a57f9324
            "8e03978e-40d5-43dd-bc93-6894a57f9324" | 8e03978e-40d5-43dd-bc93-6894a57f9324
            a b, c; d     | a b, c; d
            "a b, c; d"   | a b, c; d
            a"b\\c         | a"b\\c
            "a\\"b\\\\c"   | a"b\\c
            "\\\\\\\\"     | \\\\
            !~            | !~
            """)
    void readsAKeyQuotedOrNot(String header, String key) {
        assertThat(IdempotencyKey.from(List.of(header))).contains(new IdempotencyKey(key));
    }

    @Test
    void readsTheLongestAllowedKey() {
        String longest = "x".repeat(255);

        assertThat(IdempotencyKey.from(List.of(longest))).contains(new IdempotencyKey(longest));
        assertThat(IdempotencyKey.from(List.of("\"" + longest + "\""))).contains(new IdempotencyKey(longest));
        // The limit applies to the key, not to its quoted form.
        assertThat(IdempotencyKey.from(List.of("\"" + "\\\"".repeat(255) + "\"")))
                .contains(new IdempotencyKey("\"".repeat(255)));
    }

    @Test
    void isOptional() {
        assertThat(IdempotencyKey.from(List.of())).isEqualTo(Optional.empty());
    }

    static Stream<List<String>> rejectsInvalidKeys() {
        return Stream.of(
                List.of(""),
                List.of("\"\""),
                List.of("\""),
                List.of("\"abc"),
                List.of("\"a\"b\""),
                List.of("\"abc\";a=1"),
                List.of("\"a\", \"b\""),
                List.of("\"a\\b\""),
                List.of("\"a\\\""),
                List.of("a\tb"),
                List.of("a\u007Fb"),
                List.of("a\0b"),
                List.of("é"),
                List.of("\"é\""),
                List.of("x".repeat(256)),
                List.of("\"" + "x".repeat(256) + "\""),
                List.of("a", "b"),
                List.of("a", "a"));
    }

    @ParameterizedTest
    @MethodSource
    void rejectsInvalidKeys(List<String> headers) {
        assertThatThrownBy(() -> IdempotencyKey.from(headers))
                .isInstanceOfSatisfying(ProblemException.class, refused -> {
                    assertThat(refused.problem().status()).isEqualTo(400);
                    assertThat(refused.problem().detail()).startsWith("Idempotency-Key must");
                });
    }
}
