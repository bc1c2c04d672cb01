package dev.oms.start;

import static org.assertj.core.api.Assertions.assertThat;

import io.smallrye.config.EnvConfigSource;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RawPasswordsTest {
    private static final List<String> OF_THE_DATABASE =
            List.of("oms.db.password", "quarkus.datasource.password", "quarkus.datasource.placing.password");

    /** The packaged application's settings, with an environment. */
    private static SmallRyeConfig config(Map<String, String> environment) throws IOException {
        return new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .withInterceptors(new RawPasswords())
                .withProfile("prod")
                .withSources(
                        new PropertiesConfigSource(
                                Path.of("src/main/resources/application.properties")
                                        .toUri()
                                        .toURL(),
                                250),
                        new EnvConfigSource(environment, 300))
                .build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a$$b", "a${b}c", "a\\$b", "a\\\\b\\", "${", "$", "${OMS_DB_USER:x}", "ä\"' ,="})
    void areTakenAsTheyAre(String password) throws IOException {
        SmallRyeConfig config = config(Map.of("OMS_DB_PASSWORD", password, "OMS_IMPORT_PASSWORD", password));

        assertThat(OF_THE_DATABASE)
                .allSatisfy(name ->
                        assertThat(config.getConfigValue(name).getValue()).isEqualTo(password));
        assertThat(config.getConfigValue("oms.import.password").getValue()).isEqualTo(password);
    }

    @Test
    void theNamesOfQuarkusTakePrecedence() throws IOException {
        SmallRyeConfig config = config(Map.of("OMS_DB_PASSWORD", "a", "QUARKUS_DATASOURCE_PASSWORD", "b$$"));

        assertThat(OF_THE_DATABASE)
                .extracting(name -> config.getConfigValue(name).getValue())
                .containsExactly("a", "b$$", "b$$");
    }

    @Test
    void otherSettingsMayReferToOthers() throws IOException {
        assertThat(config(Map.of("OMS_DB_USER", "${OWNER}", "OWNER", "x"))
                        .getConfigValue("quarkus.datasource.username")
                        .getValue())
                .isEqualTo("x");
    }
}
