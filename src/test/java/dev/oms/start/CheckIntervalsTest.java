package dev.oms.start;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.config.SmallRyeConfigBuilder;
import org.eclipse.microprofile.config.Config;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckIntervalsTest {
    @ParameterizedTest
    @ValueSource(strings = {"1s", "1h", "PT5S", "off", "Off", "disabled"})
    void acceptsWhatTheSchedulerUnderstands(String every) {
        assertThatCode(() -> check(every)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "0s", "999ms", "often"})
    void namesTheWrongInterval(String every) {
        assertThatThrownBy(() -> check(every))
                .isInstanceOf(ConfigurationException.class)
                .hasMessage("oms.audit.every must be off or a duration of at least 1s, such as 5s.");
    }

    private static void check(String every) {
        Config config = new SmallRyeConfigBuilder()
                .withDefaultValue("oms.audit.every", every)
                .build();
        new CheckIntervals().onStart(new StartupEvent(), config);
    }
}
