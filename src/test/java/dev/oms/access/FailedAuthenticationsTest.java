package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailedAuthenticationsTest {
    private final FailedAuthentications failures = new FailedAuthentications();

    private void addUntilBlocked(IntFunction<String> address, String blocked) {
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            for (int i = 0; i < 100; i++) {
                failures.add(address.apply(i));
            }
            return failures.areTooMany(blocked);
        });
    }

    @Test
    void theAddressesOfAnIpv6NetworkCountTogether() {
        addUntilBlocked("2001:db8::%x"::formatted, "2001:db8::ffff:0:1");

        assertThat(failures.areTooMany("2001:db8:0:1::1")).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.1, 10.0.0.2", "::ffff:10.0.0.1, ::ffff:10.0.0.2", "null, unknown"})
    void othersCountAlone(String address, String other) {
        addUntilBlocked(i -> address, address);

        assertThat(failures.areTooMany(other)).isFalse();
    }
}
