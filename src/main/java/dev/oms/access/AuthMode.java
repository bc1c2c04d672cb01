package dev.oms.access;

import jakarta.inject.Singleton;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Whether this process serves calls, which workers and tasks do not, and whether its calls need a key or a token. */
@Singleton
class AuthMode {
    private final boolean isOn;
    private final boolean isServing;

    AuthMode(
            @ConfigProperty(name = "oms.auth") boolean isOn,
            @ConfigProperty(name = "quarkus.http.host-enabled", defaultValue = "true") boolean isServing) {
        this.isOn = isOn;
        this.isServing = isServing;
    }

    /** {@code OMS_AUTH}. */
    boolean isOn() {
        return isOn;
    }

    /** Whether it serves calls that need no key. */
    boolean isOpen() {
        return isServing && !isOn;
    }

    /** Whether it serves calls that need a key. */
    boolean isGuarded() {
        return isServing && isOn;
    }
}
