package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.access.Quota.Decision;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class QuotaTest {
    private static final long SECOND = 1_000_000;

    @Test
    void grantsASecondsUnitsAtOnceAndThenOneAtATime() {
        Quota quota = new Quota(10);

        Decision all = quota.take(1, 100, 0, SECOND);
        Decision early = quota.take(1, 1, all.arrivalMicros(), SECOND + SECOND / 10 - 1);
        Decision next = quota.take(1, 1, all.arrivalMicros(), SECOND + SECOND / 10);

        assertThat(all.granted()).isEqualTo(10);
        assertThat(all.remaining()).isZero();
        assertThat(early).isEqualTo(new Decision(0, all.arrivalMicros(), 0, 1));
        assertThat(next.granted()).isEqualTo(1);
    }

    /** Otherwise Retry-After would be 0. */
    @Test
    void aRefusedCallWaitsAtLeastAMicrosecond() {
        Quota quota = new Quota(3);
        Decision all = quota.take(3, 3, 0, SECOND);

        // A third of a second is not a whole number of microseconds.
        Decision early = quota.take(1, 1, all.arrivalMicros(), SECOND + 333_333);

        assertThat(early).isEqualTo(new Decision(0, all.arrivalMicros(), 0, 1));
        assertThat(early.waitSeconds()).isEqualTo(1);
    }

    /** As in Redis: a clock that was set back keeps nobody out for longer than a second. */
    @Test
    void nobodyWaitsLongerThanASecond() {
        Decision decision = new Quota(1).take(1, 1, 10 * SECOND, 0);

        assertThat(decision.granted()).isZero();
        assertThat(decision.waitMicros()).isEqualTo(SECOND);
    }

    /** In no stretch of time more than a second's units and those that the time has brought. */
    @Property(tries = 200)
    void neverGrantsMoreThanTheRate(
            @ForAll @IntRange(min = 1, max = 1_000) int rate,
            @ForAll @Size(min = 1, max = 200) List<@IntRange(min = 0, max = 200_000) Integer> pausesMicros) {
        Quota quota = new Quota(rate);
        List<long[]> grants = new ArrayList<>();
        long now = 0;
        long arrival = 0;

        for (int pause : pausesMicros) {
            now += pause;
            Decision decision = quota.take(1, 3, arrival, now);
            arrival = decision.arrivalMicros();
            grants.add(new long[] {now, decision.granted()});
        }

        for (int from = 0; from < grants.size(); from++) {
            long sum = 0;
            for (int to = from; to < grants.size(); to++) {
                sum += grants.get(to)[1];
                double micros = grants.get(to)[0] - grants.get(from)[0];
                // Each grant may be rounded by less than a unit of time.
                assertThat((double) sum).isLessThanOrEqualTo(rate + micros * rate / SECOND + 0.001 * (to - from + 1));
            }
        }
    }
}
