package dev.oms.start;

import dev.oms.http.Causes;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.config.ConfigValidationException;
import jakarta.enterprise.inject.spi.DeploymentException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.BindException;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.exception.FlywayValidateException;
import org.flywaydb.core.internal.exception.FlywayMigrateException;
import org.postgresql.util.PSQLException;

/** Reports why OMS did not start: one sentence for a wrong setting or a server, a stack trace for a fault of OMS. */
public final class StartFailure {
    private static final Pattern SETTING = Pattern.compile("(?<![.\\w])(?:oms|quarkus)(?:\\.[a-z0-9-]+)+");

    /** In {@code jdbc:postgresql://host/oms?password=…} and in {@code redis://:…@host}. */
    private static final Pattern PASSWORD = Pattern.compile("(?i)(?:(password=)[^&\\s]+|(//[^\\s:@/]*:)\\S+(?=@))");

    private static final String NO_REDIS_URL = "OMS_REDIS_URL is not a Redis URL, such as redis://localhost:6379.";

    private static final String PGBOUNCER_REJECTS = "unsupported startup parameter";

    private StartFailure() {}

    public static void report(Throwable failure, PrintStream out) {
        Optional<String> sentence =
                Causes.of(failure).flatMap(cause -> sentence(cause).stream()).findFirst();
        if (sentence.isPresent()) {
            // In one line, although messages of PostgreSQL have more, such as "Detail: …".
            out.println("OMS did not start: " + withoutPasswords(sentence.get().replaceAll("\\s*\\R\\s*", " ")));
        } else {
            StringWriter trace = new StringWriter();
            failure.printStackTrace(new PrintWriter(trace));
            out.print(withoutPasswords(trace.toString()));
        }
    }

    private static String withoutPasswords(String text) {
        return PASSWORD.matcher(text).replaceAll("$1$2***");
    }

    private static Optional<String> sentence(Throwable cause) {
        return Optional.ofNullable(
                switch (cause) {
                    case RuntimeException e
                    when String.valueOf(e.getMessage()).contains("Bean is not active") ->
                        emptyUrl(e.getMessage()) + " is empty.";
                    // Quarkus quotes the pool's message in one of its own.
                    case RuntimeException e
                    when String.valueOf(e.getMessage()).contains("A Positive max size is required") ->
                        "QUARKUS_DATASOURCE_JDBC_MAX_SIZE must be at least " + CheckPool.SIZE_MIN + ".";
                    // It quotes the URL, and with it the password.
                    case RuntimeException e
                    when String.valueOf(e.getMessage()).contains("quarkus.redis.hosts with the config value") ->
                        NO_REDIS_URL;
                    case ConfigValidationException invalid ->
                        IntStream.range(0, invalid.getProblemCount())
                                .mapToObj(i -> readable(invalid.getProblem(i).getMessage()))
                                .collect(Collectors.joining("; "));
                    // What is wrong with the value is in the suppressed exception; this one says where it is injected.
                    case DeploymentException e
                    when e.getSuppressed().length > 0 -> readable(e.getSuppressed()[0].getMessage());
                    case ConfigurationException invalid -> readable(invalid.getMessage());
                    case IllegalArgumentException e
                    when String.valueOf(e.getMessage()).startsWith("port must be") ->
                        (isOfManagement(e) ? "QUARKUS_MANAGEMENT_PORT" : "QUARKUS_HTTP_PORT") + " is wrong: "
                                + e.getMessage() + ".";
                    case IllegalStateException e
                    when String.valueOf(e.getMessage()).startsWith("Unable to start the management interface")
                            && Causes.root(e) instanceof BindException taken ->
                        "the management port is in use: " + taken.getMessage();
                    case FlywayValidateException e
                    when e.getMessage().contains("not applied to database") ->
                        "the database has not been migrated to this version; run OMS once with "
                                + "--migrate, connected directly to PostgreSQL.";
                    case FlywayValidateException e ->
                        "the migrations applied to the database are not those of this version: " + e.getMessage();
                    case FlywayException e
                    when String.valueOf(e.getMessage()).contains("attempting to acquire PostgreSQL advisory lock") ->
                        "another process is migrating the database; start this one when it is done.";
                    case FlywayMigrateException e
                    when !isRaised(Causes.root(e)) && !isForbidden(Causes.root(e)) ->
                        "migration " + e.getMigration().getScript() + " failed: "
                                + Causes.root(e).getMessage();
                    case FlywayException e
                    when e.getCause() == null -> "the database cannot be migrated: " + e.getMessage();
                    // MigrateOnline sets time-outs as it connects, which only PostgreSQL itself understands.
                    case SQLException e
                    when String.valueOf(e.getMessage()).contains(PGBOUNCER_REJECTS)
                            && !e.getMessage().contains("search_path") ->
                        "migrations must not go through PgBouncer; set OMS_MIGRATE=false, or connect directly to "
                                + "PostgreSQL to migrate.";
                    // Already a sentence.
                    case PSQLException e
                    when isRaised(e) -> e.getServerErrorMessage().getMessage();
                    case SQLException e -> unusable("OMS_DB_URL", e);
                    case BindException e -> "the HTTP port is in use: " + e.getMessage();
                    case IllegalArgumentException e
                    when comesFrom(e, "io.quarkus.opentelemetry.runtime.exporter.otlp.") ->
                        "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL, such as http://localhost:4317.";
                    case RuntimeException e when comesFrom(e, "io.vertx.redis.client.impl.RedisURI") -> NO_REDIS_URL;
                    default -> null;
                });
    }

    /** Why the server at a URL cannot be used, in one sentence that names the setting at fault. */
    static String unusable(String url, SQLException e) {
        String state = String.valueOf(e.getSQLState());
        String message = String.valueOf(e.getMessage());
        if (isForbidden(e)) {
            return "OMS_DB_USER lacks a right: " + e.getMessage()
                    + "; src/main/postgres/roles.sql creates a role that may migrate, and one that may do the rest.";
        }
        // Class 28 of PostgreSQL's error codes; the driver has no code for a missing password, PgBouncer one for all.
        if (state.startsWith("28") || message.contains("password")) {
            return "PostgreSQL rejects OMS_DB_USER or OMS_DB_PASSWORD: " + message;
        }
        if (message.contains(PGBOUNCER_REJECTS) && message.contains("search_path")) {
            return "PgBouncer rejects currentSchema in " + url + "; set the search_path of OMS_DB_USER instead.";
        }
        // The pool's own words. It has no code.
        if (message.contains("cquisition timeout")) {
            return "PostgreSQL at " + url
                    + " gave no connection within QUARKUS_DATASOURCE_JDBC_ACQUISITION_TIMEOUT (2S "
                    + "unless set): it does not answer, or too slowly.";
        }
        return "PostgreSQL at " + url + " cannot be used: " + message;
    }

    /** Whether a right is missing. */
    private static boolean isForbidden(Throwable e) {
        return e instanceof SQLException failure && "42501".equals(failure.getSQLState());
    }

    /** Whether a migration has raised it. */
    private static boolean isRaised(Throwable e) {
        return e instanceof PSQLException raised
                && "P0001".equals(raised.getSQLState())
                && raised.getServerErrorMessage() != null;
    }

    private static String emptyUrl(String message) {
        if (message.contains("Redis")) {
            return "OMS_REDIS_URL";
        }
        return message.contains("placing") ? "OMS_DB_PLACING_URL" : "OMS_DB_URL";
    }

    /** The message without codes and class names, and with the environment variable for each property name. */
    private static String readable(String message) {
        String plain = message.replaceAll("(java[.\\w]+: )?SRCFG\\d+: ", "")
                // Without the URL, which may contain a password.
                .replaceAll(
                        "(?s)The config property (oms\\.db\\.\\S*url) with the config value \".*\" threw an Exception whilst "
                                + "being converted (.*)",
                        "$1 $2")
                .replaceAll("(?s)Could not expand value OMS_DB_PASSWORD in property .*", "OMS_DB_PASSWORD is not set.")
                // Without the name between the braces, which may be part of a password.
                .replaceAll(
                        "(?s)Could not expand value .* in property (\\S+).*",
                        "$1 has a \\${…} that names no setting; write \\$\\$ for \\$.")
                .replaceAll(
                        "(?s)The config property (\\S+) with the config value (\".*\") threw an Exception whilst being "
                                + "converted (.*)",
                        "$1 cannot be $2: $3")
                .replaceAll("(?s)The config property (\\S+) is defined as the empty String.*", "$1 is empty.")
                .strip();
        return SETTING.matcher(plain.replace("quarkus.flyway.migrate-at-start", "oms.migrate"))
                .replaceAll(setting -> setting.group().replaceAll("[.-]", "_").toUpperCase(Locale.ROOT));
    }

    /** Whether it was thrown while the port for health checks and metrics was being set up. */
    private static boolean isOfManagement(Throwable e) {
        return Arrays.stream(e.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().contains("ManagementInterface"));
    }

    /** Whether a class whose name begins like this threw the exception, itself or through a method that it called. */
    private static boolean comesFrom(Throwable e, String className) {
        return Arrays.stream(e.getStackTrace())
                .limit(4)
                .anyMatch(frame -> frame.getClassName().startsWith(className));
    }
}
