package dev.oms;

import io.quarkus.test.junit.QuarkusTestProfile;
import java.util.Map;

/** Runs OMS without consumer, reconciler and purge: the test decides when stock is settled and keys are purged. */
public final class WithoutConsumer implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
        return Map.of(
                "oms.job.consumer.every", "off",
                "oms.job.reconciler.every", "off",
                "oms.idempotency.purge.every", "off");
    }
}
