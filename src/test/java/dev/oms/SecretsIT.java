package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The packaged application prints no password, whatever is wrong with it or with the URL around it. */
@Tag("full")
class SecretsIT {
    private static final String SECRET = "s3cr3t";
    private static final String NO_REDIS_URL = "OMS_REDIS_URL is not a Redis URL, such as redis://localhost:6379.";
    private static final String NO_DB_URL =
            "OMS_DB_URL is not a JDBC URL of PostgreSQL, such as jdbc:postgresql://localhost:5432/oms.";

    private static EmbeddedServers servers;

    @BeforeAll
    static void startServers() throws IOException, InterruptedException {
        servers = EmbeddedServers.start();
        assertThat(new OmsProcess("secrets-migrate", "prod", servers.settings()).run("--migrate"))
                .isZero();
    }

    @AfterAll
    static void stopServers() {
        servers.stop();
    }

    private static Map<String, String> settings(String name, String value) {
        Map<String, String> settings = new HashMap<>(servers.settings());
        // What does not migrate connects first where libraries log every failure.
        settings.put("OMS_MIGRATE", "false");
        settings.put(name, value);
        return settings;
    }

    static List<Arguments> wrongUrls() {
        return Stream.of(
                        Stream.of(
                                        "redis://:s3cr3t@localhost:port",
                                        "redis://:s3cr3t@local host:6379",
                                        "redis://:s3cr3t%@localhost:6379",
                                        "http://:s3cr3t@localhost:6379",
                                        ":s3cr3t@localhost")
                                .map(url -> Arguments.of("OMS_REDIS_URL", url, NO_REDIS_URL)),
                        Stream.of(
                                        "jdbc:postgresql://localhost:port/oms?password=s3cr3t",
                                        "jdbc:postgresql://localhost:5432/oms?password=s3cr3t%",
                                        "jdbc:postgresql://oms:s3cr3t@localhost:5432/oms",
                                        "postgresql://oms:s3cr3t@localhost:5432/oms")
                                .map(url -> Arguments.of("OMS_DB_URL", url, NO_DB_URL)),
                        Stream.of(Arguments.of(
                                "OMS_DB_PLACING_URL",
                                "jdbc:mysql://localhost:5432/oms?password=s3cr3t",
                                NO_DB_URL.replace("OMS_DB_URL", "OMS_DB_PLACING_URL"))))
                .flatMap(it -> it)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("wrongUrls")
    void aFailedStartNamesTheVariableAndNotThePassword(String name, String url, String sentence)
            throws IOException, InterruptedException {
        OmsProcess web = new OmsProcess("secrets-" + System.nanoTime(), "prod", settings(name, url));

        int exitCode = web.run();

        assertThat(exitCode).isEqualTo(1);
        assertThat(Files.readString(web.log()))
                .doesNotContain(SECRET)
                .endsWith("OMS did not start: " + sentence + "\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"jdbc:postgresql://localhost:1/oms?password=s3cr3t", "jdbc:postgresql://s3cr3t.invalid/oms?"})
    void aDatabaseThatCannotBeReached(String url) throws IOException, InterruptedException {
        OmsProcess web = new OmsProcess("secrets-" + System.nanoTime(), "prod", settings("OMS_DB_URL", url));

        int exitCode = web.run();

        assertThat(exitCode).isEqualTo(1);
        assertThat(Files.readString(web.log()))
                .doesNotContain("password=")
                .contains("OMS did not start: PostgreSQL at OMS_DB_URL cannot be used: ");
    }

    /** OMS starts, because orders can be placed without Redis, and logs that jobs cannot be settled. */
    @ParameterizedTest
    @ValueSource(strings = {"redis://:s3cr3t@localhost:1", "redis://:s3cr3t@nowhere.invalid"})
    void aRedisThatCannotBeUsed(String url) throws IOException {
        try (OmsProcess worker =
                new OmsProcess("secrets-" + System.nanoTime(), "worker", settings("OMS_REDIS_URL", url))) {
            worker.start();

            await().atMost(Duration.ofSeconds(60)).until(() -> worker.logged("Jobs cannot be read or settled") > 0);
            assertThat(Files.readString(worker.log())).doesNotContain(SECRET);
        }
    }

    @ParameterizedTest
    @CsvSource({"prod,", "worker,", "prod, --migrate"})
    void aMissingPasswordOfTheDatabaseFailsTheStart(String role, String task) throws IOException, InterruptedException {
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.remove("OMS_DB_PASSWORD");
        OmsProcess oms = new OmsProcess("secrets-" + System.nanoTime(), role, settings);

        int exitCode = task == null ? oms.run() : oms.run(task);

        assertThat(exitCode).isEqualTo(1);
        assertThat(Files.readString(oms.log())).endsWith("OMS did not start: OMS_DB_PASSWORD is not set.\n");
    }

    /** In any other setting {@code ${…}} is another setting. */
    @Test
    void aPasswordIsTakenAsItIs() throws IOException, InterruptedException {
        assertThat(new OmsProcess(
                                "secrets-" + System.nanoTime(),
                                "prod",
                                settings("OMS_DB_PASSWORD", "a$$b${s3cr3t-}c\\$"))
                        .run("--migrate"))
                .isZero();
    }

    @Test
    void aUrlThatRefersToNoSetting() throws IOException, InterruptedException {
        OmsProcess web = new OmsProcess(
                "secrets-" + System.nanoTime(), "prod", settings("OMS_REDIS_URL", "redis://:a${s3cr3t}@localhost:1"));

        assertThat(web.run()).isEqualTo(1);
        assertThat(Files.readString(web.log()))
                .doesNotContain(SECRET)
                .endsWith("OMS did not start: OMS_REDIS_URL is empty.\n");
    }

    @Test
    void aUrlThatWorks() throws IOException, InterruptedException {
        OmsProcess migrate = new OmsProcess(
                "secrets-" + System.nanoTime(),
                "prod",
                settings("OMS_DB_URL", servers.settings().get("OMS_DB_URL") + "&password=s3cr3t"));

        assertThat(migrate.run("--migrate")).isZero();
        assertThat(Files.readString(migrate.log())).contains("up to date").doesNotContain(SECRET);
    }
}
