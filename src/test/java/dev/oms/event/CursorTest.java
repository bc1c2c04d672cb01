package dev.oms.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.oms.http.ProblemException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CursorTest {
    @ParameterizedTest
    @CsvSource({"0, 0", "7712546780558042579, 1", "-1, 9223372036854775807"})
    void readsWhatItHasWritten(long epoch, long position) {
        Cursor cursor = new Cursor(epoch, position);

        assertThat(Cursor.parse(cursor.toString())).isEqualTo(cursor);
        assertThat(cursor.toString()).matches("[\\w-]{22}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "START",
                "AAAAAAAAAAAAAAAAAAAAA",
                "AAAAAAAAAAAAAAAAAAAAAB",
                "AAAAAAAAAAAAAAAAAAAAAA==",
                "AAAAAAAAAAAAAAAAAAAAAAA",
                "AAAAAAAAAAAAAAAAAAAA+A",
                "AAAAAAAAAAD__________w",
                "é"
            })
    void refusesAnythingElse(String text) {
        assertThatThrownBy(() -> Cursor.parse(text))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().status()).isEqualTo(400));
    }

    @Test
    void isNotANumber() {
        assertThat(new Cursor(1, 2).toString()).isEqualTo("AAAAAAAAAAEAAAAAAAAAAg");
    }
}
