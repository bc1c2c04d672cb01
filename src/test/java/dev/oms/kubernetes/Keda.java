package dev.oms.kubernetes;

import io.kubernetes.client.openapi.models.V1ObjectMeta;
import java.util.List;
import java.util.Map;

/** The parts of KEDA's resources that OMS uses, as the Kubernetes model does not include them. */
final class Keda {
    private Keda() {}

    record ScaledObject(String apiVersion, String kind, Metadata metadata, Spec spec) implements Resource {
        record Spec(
                Target scaleTargetRef,
                int minReplicaCount,
                int maxReplicaCount,
                Fallback fallback,
                List<Trigger> triggers) {}

        record Fallback(int failureThreshold, int replicas, String behavior) {}

        record Target(String name) {}

        record Trigger(String type, Map<String, String> metadata, Reference authenticationRef) {}

        record Reference(String name) {}
    }

    record TriggerAuthentication(String apiVersion, String kind, Metadata metadata, Spec spec) implements Resource {
        record Spec(List<SecretTarget> secretTargetRef) {}

        record SecretTarget(String parameter, String name, String key) {}
    }

    record Metadata(String name, String namespace, Map<String, String> labels) {}

    /** A supertype shared with the Kubernetes model, so that one list can hold all resources of an overlay. */
    sealed interface Resource extends io.kubernetes.client.common.KubernetesObject {
        String apiVersion();

        String kind();

        Metadata metadata();

        @Override
        default String getApiVersion() {
            return apiVersion();
        }

        @Override
        default String getKind() {
            return kind();
        }

        @Override
        default V1ObjectMeta getMetadata() {
            return new V1ObjectMeta()
                    .name(metadata().name())
                    .namespace(metadata().namespace());
        }
    }
}
