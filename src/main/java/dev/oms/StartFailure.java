package dev.oms;

import dev.oms.http.Causes;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.config.ConfigValidationException;
import java.io.PrintStream;
import java.net.BindException;
import java.sql.SQLException;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Says why OMS did not start: in one sentence when a setting or a server is at fault, with a stack trace when OMS is.
 */
final class StartFailure {
    private StartFailure() {}

    static void tell(Throwable failure, PrintStream out) {
        Optional<String> sentence =
                Causes.of(failure).flatMap(cause -> sentence(cause).stream()).findFirst();
        if (sentence.isPresent()) {
            out.println("OMS did not start: " + sentence.get());
        } else {
            failure.printStackTrace(out);
        }
    }

    private static Optional<String> sentence(Throwable cause) {
        return Optional.ofNullable(
                switch (cause) {
                    case ConfigValidationException invalid ->
                        IntStream.range(0, invalid.getProblemCount())
                                .mapToObj(i -> invalid.getProblem(i).getMessage())
                                .collect(Collectors.joining("; "));
                    case ConfigurationException invalid -> invalid.getMessage();
                    case SQLException e -> "PostgreSQL at OMS_DB_URL cannot be used: " + e.getMessage();
                    case BindException e -> "the HTTP port is taken: " + e.getMessage();
                    case RuntimeException e
                    when comesFrom(e, "io.vertx.redis.client.impl.RedisURI") ->
                        "OMS_REDIS_URL is not a Redis URL, such as redis://localhost:6379.";
                    default -> null;
                });
    }

    private static boolean comesFrom(Throwable e, String className) {
        return e.getStackTrace().length > 0
                && e.getStackTrace()[0].getClassName().equals(className);
    }
}
