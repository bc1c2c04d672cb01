package dev.oms.start;

import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Fails the start if the pool of connections is so small that {@link CheckSchema} would wait for a second one in vain.
 */
@ApplicationScoped
class CheckPool {
    static final int SIZE_MIN = 2;

    private final int size;

    CheckPool(@ConfigProperty(name = "quarkus.datasource.jdbc.max-size") int size) {
        this.size = size;
    }

    // Before CheckSchema.
    void onStart(@Observes @Priority(0) StartupEvent event) {
        if (size < SIZE_MIN) {
            throw new ConfigurationException("quarkus.datasource.jdbc.max-size must be at least " + SIZE_MIN + ".");
        }
    }
}
