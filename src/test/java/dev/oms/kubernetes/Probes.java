package dev.oms.kubernetes;

import java.util.List;

/** What Kubernetes asks a process; the tests of the roles hold the service to it, those of the manifests the probes. */
public final class Probes {
    static final String STARTUP = "/q/health/started";
    static final String LIVENESS = "/q/health/live";
    static final String READINESS = "/q/health/ready";

    private Probes() {}

    public static List<String> paths() {
        return List.of(STARTUP, LIVENESS, READINESS);
    }
}
