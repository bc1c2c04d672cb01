package dev.oms.fault;

import java.io.IOException;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * Provides a test with the shared cluster, which runs until the test run ends, and with random numbers. The numbers
 * depend on a seed and on the test's name, so that one test can be rerun alone with the seed that failed: {@code ./mvnw
 * verify -Pfull -Dit.test=… -Doms.fault.seed=…}.
 */
final class FaultSuite implements ParameterResolver, TestWatcher {
    private static final long SEED = Long.getLong("oms.fault.seed", System.nanoTime());

    /** How many workers are killed one after the other; CI kills fewer. */
    static final int KILLS = Integer.getInteger("oms.fault.kills", 20);

    /** JUnit closes it at the end of the test run. */
    private record Running(Servers servers, Cluster cluster) implements AutoCloseable {
        static Running start() {
            Servers servers = new Servers();
            try {
                Cluster cluster = new Cluster(servers, "", Map.of());
                cluster.web().warmUp();
                return new Running(servers, cluster);
            } catch (IOException | InterruptedException | RuntimeException e) {
                servers.close();
                throw new IllegalStateException("The fault suite cannot be started", e);
            }
        }

        @Override
        public void close() {
            cluster.close();
            servers.close();
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == Cluster.class || type == Random.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        if (parameter.getParameter().getType() == Random.class) {
            return new Random(SEED ^ context.getRequiredTestMethod().getName().hashCode());
        }
        return context.getRoot()
                .getStore(Namespace.create(FaultSuite.class))
                .computeIfAbsent(Running.class, key -> Running.start(), Running.class)
                .cluster();
    }

    @Override
    public void testFailed(ExtensionContext context, Throwable cause) {
        System.out.printf("fault: %s failed; rerun it with -Doms.fault.seed=%d%n", context.getDisplayName(), SEED);
    }
}
