package dev.oms;

import io.quarkus.test.junit.QuarkusTestProfile;
import java.util.Map;

/** OMS with no consumer and no reconciler of its own: the test says when stock is settled. */
public final class WithoutConsumer implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
        return Map.of("oms.job.consumer.every", "off", "oms.job.reconciler.every", "off");
    }
}
