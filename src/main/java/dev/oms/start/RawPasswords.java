package dev.oms.start;

import io.smallrye.config.ConfigSourceInterceptor;
import io.smallrye.config.ConfigSourceInterceptorContext;
import io.smallrye.config.ConfigValue;
import io.smallrye.config.Expressions;
import io.smallrye.config.Priorities;
import jakarta.annotation.Priority;
import java.util.List;
import java.util.Map;

/**
 * Reads passwords from the environment and from system properties as they are. In any other setting <code>${x}</code>
 * is replaced with the setting {@code x}, and {@code $$} with one dollar.
 */
@Priority(RawPasswords.BEFORE_EXPRESSIONS)
public class RawPasswords implements ConfigSourceInterceptor {
    static final int BEFORE_EXPRESSIONS = Priorities.APPLICATION + 1_000;

    private static final long serialVersionUID = 1L;

    /** The ordinal of the environment. What has a lower one is a file, and may refer to other settings. */
    private static final int ENVIRONMENT = 300;

    /** The settings of each password; the first that is given counts. */
    private static final Map<String, List<String>> SETTINGS = Map.of(
            "oms.import.password",
            List.of("oms.import.password"),
            "oms.db.password",
            List.of("oms.db.password"),
            "quarkus.datasource.password",
            List.of("quarkus.datasource.password", "oms.db.password"),
            "quarkus.datasource.placing.password",
            List.of("quarkus.datasource.placing.password", "quarkus.datasource.password", "oms.db.password"));

    @Override
    public ConfigValue getValue(ConfigSourceInterceptorContext context, String name) {
        for (String setting : SETTINGS.getOrDefault(name, List.of())) {
            ConfigValue raw = Expressions.withoutExpansion(() -> context.proceed(setting));
            if (raw != null && raw.getConfigSourceOrdinal() >= ENVIRONMENT) {
                return raw.withName(name);
            }
        }
        return context.proceed(name);
    }
}
