package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BodyMemoryTest {
    @Test
    void reservesUpToItsLimit() {
        BodyMemory memory = new BodyMemory(100);

        assertThat(memory.reserve(60)).isTrue();
        assertThat(memory.reserve(41)).isFalse();
        assertThat(memory.inUse()).isEqualTo(60);
        assertThat(memory.reserve(40)).isTrue();
        memory.release(60);
        assertThat(memory.reserve(60)).isTrue();
    }

    /** Otherwise one large body could never be accepted. */
    @Test
    void hasRoomForManyOrders() {
        assertThat(new BodyMemory().reserve(10 << 20)).isTrue();
    }
}
