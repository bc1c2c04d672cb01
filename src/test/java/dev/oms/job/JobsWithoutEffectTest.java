package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.LogLines;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JobsWithoutEffectTest {
    private final LogLines log = new LogLines(JobsWithoutEffect.class.getName());
    // nanoTime may be negative.
    private long nanos = -1;
    private final JobsWithoutEffect counted = new JobsWithoutEffect(new SimpleMeterRegistry(), () -> nanos);

    @AfterEach
    void close() {
        log.close();
    }

    private void pass(Duration time) {
        nanos += time.toNanos();
    }

    @Test
    void tellsOfManyUnknownOrders() {
        counted.add(150, 15, 0);
        pass(Duration.ofSeconds(59));
        counted.add(50, 5, 0);

        assertThat(log.lines()).singleElement().asString().startsWith("WARN Of 200 jobs, 20 name no order");
    }

    @Test
    void doesNotTellOfAFewUnknownOrders() {
        counted.add(19, 19, 0);
        counted.add(400, 20, 0);

        assertThat(log.lines()).isEmpty();
    }

    /** A cancelled order leaves its job behind, and a job may be delivered twice. */
    @Test
    void doesNotTellOfOrdersWithNothingDue() {
        counted.add(1_000, 0, 1_000);

        assertThat(log.lines()).isEmpty();
    }

    @Test
    void countsEachMinuteAnew() {
        counted.add(19, 19, 0);
        pass(Duration.ofSeconds(61));
        counted.add(19, 19, 0);

        assertThat(log.lines()).isEmpty();
    }

    @Test
    void tellsEveryTenMinutes() {
        counted.add(20, 20, 0);
        pass(Duration.ofMinutes(10).minusNanos(1));
        counted.add(20, 20, 0);
        assertThat(log.lines()).hasSize(1);

        pass(Duration.ofNanos(1));
        counted.add(20, 20, 0);

        assertThat(log.lines()).hasSize(2);
    }
}
