package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressRangeTest {
    @ParameterizedTest
    @CsvSource({
        "0.0.0.0/0, 255.255.255.255",
        " 10.0.0.0/8, 10.255.255.255",
        "10.0.0.1, 10.0.0.1",
        "10.0.0.1/32, 10.0.0.1",
        "::/0, fe80::1",
        "fd00::/8, fdff::1"
    })
    void contains(String range, String address) {
        assertThat(AddressRange.of(range).contains(InetAddress.ofLiteral(address)))
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.1, 10.0.0.0", "10.0.0.0/9, 10.128.0.0", "0.0.0.0/0, ::1", "::/0, 10.0.0.0", "fd00::/8, fc00::"})
    void doesNotContain(String range, String address) {
        assertThat(AddressRange.of(range).contains(InetAddress.ofLiteral(address)))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|is not a range",
                "10|is not a range",
                "10.0/8|is not a range",
                "0x0a.0.0.0/8|is not a range",
                "example.com|is not a range",
                "example.com/8|is not a range",
                "::ffff:10.0.0.0/104|is not a range",
                "fe80::1%1|is not a range",
                "[::1]|is not a range",
                "10.0.0.0/|must end with",
                "10.0.0.0/33|must end with",
                "10.0.0.0/08|must end with",
                "10.0.0.0/-1|must end with",
                "10.0.0.0/8/8|must end with",
                "::/129|must end with",
                "10.0.0.1/8|has bits after its prefix",
                "fd00::1/8|has bits after its prefix"
            })
    void objectsTo(String range, String message) {
        assertThatThrownBy(() -> AddressRange.of(range))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(range + " " + message);
    }

    /** Neither is looked up. */
    @ParameterizedTest
    @ValueSource(strings = {"localhost", "localhost/32"})
    void objectsToNames(String range) {
        assertThatThrownBy(() -> AddressRange.of(range)).isInstanceOf(IllegalArgumentException.class);
    }
}
