package dev.oms.rails;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final List<String> lines = new ArrayList<>();
    private long nanos;
    private final Progress progress = new Progress("Orders", lines::add, () -> nanos);

    private void sleep(int seconds) {
        nanos += Duration.ofSeconds(seconds).toNanos();
    }

    @Test
    void tellsHowFarTheWritingIsAndHowFast() {
        sleep(11);
        progress.read(880_000);
        progress.pause();
        sleep(1_000);
        progress.beginWriting(400_000);
        sleep(8);
        progress.added(60_000);
        sleep(4);
        progress.changed(36_000);
        sleep(37);
        progress.added(304_000);
        progress.end();

        assertThat(lines)
                .containsExactly(
                        "Orders: 880000 read, 0 added, 0 changed so far, in 11 s (80000/s)",
                        "Orders: 96000 of 400000 written (60000 added, 36000 changed) so far, in 12 s (8000/s)",
                        "Orders: 400000 of 400000 written (364000 added, 36000 changed) so far, in 49 s (8163/s)",
                        "Orders: 880000 read, 364000 added, 36000 changed in all, in 60 s (14666/s)");
    }

    @Test
    void tellsOfRowsThatAreWrittenAsTheyAreRead() {
        sleep(20);
        progress.read(200_000);
        progress.added(150_000);
        progress.end();

        assertThat(lines)
                .containsExactly(
                        "Orders: 200000 read, 0 added, 0 changed so far, in 20 s (10000/s)",
                        "Orders: 200000 read, 150000 added, 0 changed in all, in 20 s (10000/s)");
    }
}
