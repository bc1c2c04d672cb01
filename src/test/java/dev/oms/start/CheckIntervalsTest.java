package dev.oms.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import org.junit.jupiter.api.Test;
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

    @Test
    void checksEveryInterval() throws IOException {
        Properties settings = new Properties();
        try (InputStream file = CheckIntervals.class.getResourceAsStream("/application.properties")) {
            settings.load(file);
        }

        assertThat(settings.stringPropertyNames().stream()
                        .map(name -> name.replaceFirst("^%\\w+\\.", ""))
                        .filter(name -> name.startsWith("oms.") && name.endsWith(".every")))
                .containsOnly(CheckIntervals.SETTINGS.toArray(String[]::new));
    }

    private static void check(String every) {
        SmallRyeConfigBuilder config = new SmallRyeConfigBuilder();
        CheckIntervals.SETTINGS.forEach(name -> config.withDefaultValue(name, "off"));
        config.withDefaultValue("oms.audit.every", every);
        new CheckIntervals().onStart(new StartupEvent(), config.build());
    }
}
