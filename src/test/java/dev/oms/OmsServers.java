package dev.oms;

import dev.oms.embedded.EmbeddedServers;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.util.Map;

/** A real PostgreSQL and a real Redis for the tests: the ones of dev mode. */
public final class OmsServers implements QuarkusTestResourceLifecycleManager {
    private static EmbeddedServers servers;

    @Override
    public Map<String, String> start() {
        if (servers == null) {
            servers = EmbeddedServers.start();
        }
        return servers.settings();
    }

    /** They end with the test run: between two test profiles they go on, and so does what is in them. */
    @Override
    public void stop() {}

    /** The servers, for a test that takes one of them away. */
    public static EmbeddedServers servers() {
        return servers;
    }
}
