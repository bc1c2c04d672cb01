package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.webhook.Message.Subject;
import java.time.Instant;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class TailTest {
    private final Tail tail = new Tail();

    private static Message message(long position, int bytes) {
        return new Message(
                position, new Subject("order", 1), "order.placed", Instant.EPOCH, "e" + position, new byte[bytes]);
    }

    private static List<Message> messages(long from, long to, int bytes) {
        return LongStream.rangeClosed(from, to)
                .mapToObj(position -> message(position, bytes))
                .toList();
    }

    @Test
    void hasWhatFollowsAPosition() {
        tail.begin(10);
        tail.add(messages(11, 20, 1), 25);

        assertThat(tail.covers(9)).isFalse();
        assertThat(tail.covers(10)).isTrue();
        assertThat(tail.position()).isEqualTo(25);
        assertThat(tail.after(15, 3)).extracting(Message::position).containsExactly(16L, 17L, 18L);
        assertThat(tail.after(20, 3)).isEmpty();
    }

    @Test
    void forgetsTheOldestOfManyAndOfLargeOnes() {
        tail.begin(0);
        tail.add(messages(1, 20_000, 1), 20_000);
        assertThat(tail.covers(0)).isTrue();
        tail.add(messages(20_001, 20_001, 1), 20_001);
        assertThat(tail.covers(0)).isFalse();
        assertThat(tail.covers(10_000)).isTrue();

        tail.begin(0);
        for (int i = 0; i < 20; i++) {
            tail.add(messages(i * 8 + 1, i * 8 + 8, Tail.BYTES_MAX / 8), i * 8 + 8);
            long position = tail.position();
            long start = LongStream.rangeClosed(0, position)
                    .filter(tail::covers)
                    .findFirst()
                    .orElseThrow();
            assertThat(position - start).isBetween(1L, 8L);
            assertThat(tail.after(start, 100)).hasSize((int) (position - start));
        }
    }
}
