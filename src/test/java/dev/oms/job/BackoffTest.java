package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackoffTest {
    @ParameterizedTest
    @CsvSource({"1, 16, 36", "2, 31, 61", "3, 96, 136", "10, 10015, 10125", "24, 331791, 332041"})
    void growsWithTheFourthPowerPlusJitter(int attempts, long fromSeconds, long toSeconds) {
        Random random = new Random(1);

        for (int i = 0; i < 1_000; i++) {
            assertThat(Backoff.after(attempts, random))
                    .isBetween(Duration.ofSeconds(fromSeconds), Duration.ofSeconds(toSeconds));
        }
        assertThat(Backoff.after(attempts, random)).isNotEqualTo(Backoff.after(attempts, random));
    }

    @Test
    void isExhaustedAtTheTwentyFifthFailure() {
        assertThat(Backoff.isExhausted(24)).isFalse();
        assertThat(Backoff.isExhausted(25)).isTrue();
    }
}
