package dev.oms.start;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.vertx.redis.client.RedisOptions;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.sql.SQLException;
import org.assertj.core.api.Assertions;
import org.flywaydb.core.api.CoreErrorCode;
import org.flywaydb.core.api.ErrorDetails;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.exception.FlywayValidateException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StartFailureTest {
    @ConfigMapping(prefix = "shop")
    public interface ShopConfig {
        int tills();
    }

    @Test
    void namesTheUnusableDatabase() {
        Exception failure = new RuntimeException("Failed to start quarkus", new SQLException("Connection refused."));

        assertThat(reported(failure))
                .isEqualTo("OMS did not start: PostgreSQL at OMS_DB_URL cannot be used: Connection refused.\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "FATAL: unsupported startup parameter: options", // PgBouncer 1.18
                "FATAL: unsupported startup parameter in options: lock_timeout" // PgBouncer 1.24
            })
    void forbidsMigratingThroughPgBouncer(String message) {
        assertThat(reported(new FlywayException(new SQLException(message, "08P01"))))
                .isEqualTo(
                        "OMS did not start: migrations must not go through PgBouncer; set OMS_MIGRATE=false, or connect "
                                + "directly to PostgreSQL to migrate.\n");
    }

    @Test
    void namesTheProcessThatIsMigrating() {
        Exception failure = new FlywayException(
                "Number of retries exceeded while attempting to acquire PostgreSQL advisory lock. Configure the number");

        assertThat(reported(failure))
                .isEqualTo(
                        "OMS did not start: another process is migrating the database; start this one when it is done.\n");
    }

    @ParameterizedTest
    @CsvSource({
        "28P01, FATAL: password authentication failed for user \"oms\"",
        "28000, FATAL: role \"oms\" does not exist",
        "08004, 'The server requested SCRAM-based authentication, but no password was provided.'",
        "08P01, FATAL: password authentication failed",
    })
    void namesTheUserAndThePasswordThatPostgresRejects(String state, String message) {
        assertThat(reported(new RuntimeException(new SQLException(message, state))))
                .isEqualTo("OMS did not start: PostgreSQL rejects OMS_DB_USER or OMS_DB_PASSWORD: " + message + "\n");
    }

    @Test
    void printsOneLine() {
        assertThat(reported(new SQLException(
                        "ERROR: invalid value for parameter \"search_path\": \"B 2\"\n  Detail: List syntax is invalid.",
                        "22023")))
                .hasLineCount(1)
                .endsWith("\"B 2\" Detail: List syntax is invalid.\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Sorry, acquisition timeout!", "Acquisition timeout while waiting for new connection"})
    void saysThatPostgresIsSlow(String message) {
        assertThat(reported(new RuntimeException(new SQLException(message))))
                .isEqualTo(
                        "OMS did not start: PostgreSQL at OMS_DB_URL gave no connection within "
                                + "QUARKUS_DATASOURCE_JDBC_ACQUISITION_TIMEOUT (2S unless set): it does not answer, or too slowly.\n");
    }

    @Test
    void namesTheUserWithoutARight() {
        assertThat(reported(
                        new FlywayException(new SQLException("ERROR: permission denied for schema public", "42501"))))
                .startsWith(
                        "OMS did not start: OMS_DB_USER lacks a right: ERROR: permission denied for schema public; ");
    }

    @Test
    void namesTheSchemaThatPgBouncerRejects() {
        assertThat(reported(new RuntimeException(
                        new SQLException("FATAL: unsupported startup parameter: search_path", "08P01"))))
                .isEqualTo("OMS did not start: PgBouncer rejects currentSchema in OMS_DB_URL; set the search_path of "
                        + "OMS_DB_USER instead.\n");
    }

    @Test
    void namesTheInvalidSetting() {
        SmallRyeConfigBuilder config =
                new SmallRyeConfigBuilder().withMapping(ShopConfig.class).withDefaultValue("shop.tills", "many");

        assertThat(reported(Assertions.catchThrowable(config::build)))
                .hasLineCount(1)
                .contains("shop.tills")
                .contains("many");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a${s3cr3t}b", "${s3cr3t-x}"})
    void printsNothingOfAValueThatCannotBeExpanded(String value) {
        SmallRyeConfigBuilder config = new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .withMapping(ShopConfig.class)
                .withDefaultValue("shop.tills", value);

        assertThat(reported(Assertions.catchThrowable(config::build)))
                .isEqualTo("OMS did not start: shop.tills has a ${…} that names no setting; write $$ for $.\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"foo", "http://localhost", "redis://localhost:99999"})
    void namesTheInvalidRedisUrl(String url) {
        Throwable failure = Assertions.catchThrowable(
                () -> new RedisOptions().setConnectionString(url).getPassword());

        assertThat(reported(new RuntimeException(failure)))
                .isEqualTo("OMS did not start: OMS_REDIS_URL is not a Redis URL, such as redis://localhost:6379.\n");
    }

    @Test
    void printsTheStackTraceOfAnUnexpectedFailure() {
        assertThat(reported(new IllegalStateException("impossible")))
                .contains("IllegalStateException: impossible")
                .contains("at dev.oms.start.StartFailureTest");
    }

    @ParameterizedTest
    @ValueSource(classes = {IllegalStateException.class, IllegalArgumentException.class})
    void printsTheStackTraceOfAnExceptionWithoutMessage(Class<? extends Exception> type)
            throws ReflectiveOperationException {
        assertThat(reported(type.getDeclaredConstructor().newInstance())).contains(type.getName(), "\tat ");
    }

    @Test
    void distinguishesDifferentMigrationsFromMissingOnes() {
        assertThat(reported(new FlywayValidateException(
                        new ErrorDetails(CoreErrorCode.VALIDATE_ERROR, ""),
                        "Migration checksum mismatch\n-> version 3")))
                .hasLineCount(1)
                .contains("not those of this version")
                .contains("checksum mismatch -> version 3");
    }

    private static String reported(Throwable failure) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        StartFailure.report(failure, new PrintStream(out, true, UTF_8));
        return out.toString(UTF_8).replace(System.lineSeparator(), "\n");
    }
}
