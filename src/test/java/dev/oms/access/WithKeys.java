package dev.oms.access;

import io.quarkus.test.junit.QuarkusTestProfile;
import java.util.Map;

/** Calls need a key. */
public final class WithKeys implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
        return Map.of("oms.auth", "on", "oms.access.last-uses.every", "1s");
    }
}
