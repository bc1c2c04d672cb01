package dev.oms.kubernetes;

import io.kubernetes.client.openapi.models.V1ObjectMeta;
import java.util.List;
import java.util.Map;

/** Of KEDA's resources what OMS uses; they are not in the Kubernetes model. */
final class Keda {
    private Keda() {}

    record ScaledObject(String apiVersion, String kind, Metadata metadata, Spec spec) implements Resource {
        record Spec(Target scaleTargetRef, int minReplicaCount, int maxReplicaCount, List<Trigger> triggers) {}

        record Target(String name) {}

        record Trigger(String type, Map<String, String> metadata, Reference authenticationRef) {}

        record Reference(String name) {}
    }

    record TriggerAuthentication(String apiVersion, String kind, Metadata metadata, Spec spec) implements Resource {
        record Spec(List<SecretTarget> secretTargetRef) {}

        record SecretTarget(String parameter, String name, String key) {}
    }

    record Metadata(String name, String namespace, Map<String, String> labels) {}

    /** As the model's: so that all of an overlay can be in one list. */
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
