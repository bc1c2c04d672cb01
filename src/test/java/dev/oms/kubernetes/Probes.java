package dev.oms.kubernetes;

import java.util.List;

/**
 * The probe paths, shared by the tests of the roles, which call them, and those of the manifests, which configure them.
 */
public final class Probes {
    static final String STARTUP = "/q/health/started";
    static final String LIVENESS = "/q/health/live";
    static final String READINESS = "/q/health/ready";

    private Probes() {}

    public static List<String> paths() {
        return List.of(STARTUP, LIVENESS, READINESS);
    }
}
