package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
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
    void makesAJobDeadAtTheTwentyFifthFailure() {
        Instant now = Instant.parse("2026-01-31T12:00:00Z");
        FailedJob job = new FailedJob(7);

        for (int i = 0; i < 24; i++) {
            job.fail("no", Clock.fixed(now, ZoneOffset.UTC), new Random(i));
            assertThat(job.isDead()).isFalse();
            assertThat(job.view().nextAttemptAt()).isAfter(now);
        }
        job.fail("never", Clock.fixed(now, ZoneOffset.UTC), new Random(0));

        assertThat(job.view()).isEqualTo(new FailedJob.FailedJobView(7, 25, "never", null, now));
        job.revive(now);
        assertThat(job.view()).isEqualTo(new FailedJob.FailedJobView(7, 0, "never", now, null));
    }
}
