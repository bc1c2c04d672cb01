package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WaitPreferenceTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "wait=5|5",
                "Wait = 5|5",
                "wait=\"5\"|5",
                "wait=005|5",
                "wait=5;strict|5",
                "wait=5 ; a=b; c=\"d,e;\\\"f\" ;; g|5",
                "respond-async, wait=5|5",
                "return=minimal; foo=\"some, parameter\", wait=5, lenient|5",
                ", ,wait=5,|5",
                "wait=30|30",
                "wait=31|30",
                "wait=99999999999999999999999999|30",
                // The first of a name counts.
                "wait=5, wait=7|5",
                // What cannot be understood is left out.
                "(), wait=5|5",
                "=, wait=5|5",
                "a b, wait=5|5",
                "\"a, wait=7\", wait=5|5",
                "a=\"b\"c, wait=5|5",
                "x=wait=7, wait=5|5",
            })
    void findsTheSeconds(String header, int seconds) {
        Optional<WaitPreference> wait = WaitPreference.from(List.of(header));

        assertThat(wait).contains(new WaitPreference(seconds));
        assertThat(wait.orElseThrow().applied()).isEqualTo("wait=" + seconds);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                ",",
                "wait",
                "wait=",
                "wait=\"\"",
                "wait=0",
                "wait=-5",
                "wait=5s",
                "wait=5.5",
                "wait=+5",
                "wait=\u0665",
                "wait=5 6",
                "wait=\"5",
                "\"wait=5",
                "waiting=5",
                "no-wait=5",
                "respond-async",
                "return=\"x, wait=5\"",
                "return=\"x\\\", wait=5\"",
                "a;wait=5",
                // The first of a name counts.
                "wait, wait=5",
                "wait=x, wait=5",
            })
    void ignoresAnythingElse(String header) {
        assertThat(WaitPreference.from(List.of(header))).isEmpty();
    }

    @Test
    void readsAllHeaders() {
        assertThat(WaitPreference.from(List.of())).isEmpty();
        assertThat(WaitPreference.from(List.of("respond-async", "\"", "wait=5", "wait=7")))
                .contains(new WaitPreference(5));
    }

    @Test
    void readsALongHeaderAtOnce() {
        for (String part : List.of(",", "a", "a=", "\"", "\\\"", "a;", " ", "wait=\"", "a=\"b\";")) {
            assertThat(WaitPreference.from(List.of(part.repeat(16_000), "wait=5")))
                    .contains(new WaitPreference(5));
        }
    }
}
