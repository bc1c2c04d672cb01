package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeySecretTest {
    @RepeatedTest(100)
    void parsesWhatItCreates() {
        KeySecret key = KeySecret.create();

        assertThat(key.value()).matches("oms_[0-9A-Za-z]{49}");
        assertThat(KeySecret.parse(key.value())).contains(key);
        assertThat(key.digest()).hasSize(32);
    }

    @Test
    void noticesEveryMistypedCharacter() {
        String key = KeySecret.create().value();

        for (int i = 0; i < key.length(); i++) {
            char other = key.charAt(i) == 'a' ? 'b' : 'a';
            String mistyped = key.substring(0, i) + other + key.substring(i + 1);
            assertThat(KeySecret.parse(mistyped)).as(mistyped).isEmpty();
        }
    }

    /** The checksum as others compute it: {@code zlib.crc32} in base62. */
    @Test
    void hasTheChecksumThatASecretScannerComputes() {
        assertThat(KeySecret.parse("oms_" + "0".repeat(43) + "2CZclj")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "oms_", "OMS_0", "oms_ü", "oms_0000000000000000000000000000000000000000000 00000"})
    void refusesAnythingElse(String value) {
        assertThat(KeySecret.parse(value)).isEmpty();
    }

    @Test
    void doesNotShowItself() {
        KeySecret key = KeySecret.create();

        assertThat(key.toString()).hasSizeLessThan(10).isEqualTo(key.hint() + "…");
    }
}
