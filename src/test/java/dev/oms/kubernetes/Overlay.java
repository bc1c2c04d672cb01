package dev.oms.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1ContainerPort;
import io.kubernetes.client.openapi.models.V1CronJob;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1Job;
import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PodSpec;
import io.kubernetes.client.openapi.models.V1PodTemplateSpec;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1SecretKeySelector;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The resources that an overlay applies. */
record Overlay(String name, List<KubernetesObject> resources) {
    /** Placeholder for values from a Secret that is not part of the overlay; followed by the key. */
    private static final String FROM_SECRET = "from Secret key ";

    /** What operators put in place of prod's placeholders. */
    static final Map<String, String> FILLED_IN =
            Map.of("FILL-IN-POSTGRES", "10.1.2.3/32", "FILL-IN-REDIS", "10.1.2.4/32");

    /** Reads an overlay, with its placeholders {@linkplain #FILLED_IN filled in}. */
    static Overlay read(String directory) throws IOException, InterruptedException {
        String yaml = Kubectl.kustomize(directory);
        for (Map.Entry<String, String> placeholder : FILLED_IN.entrySet()) {
            yaml = yaml.replace("cidr: " + placeholder.getKey(), "cidr: " + placeholder.getValue());
        }
        return new Overlay(directory, StrictModel.read(yaml));
    }

    @Override
    public String toString() {
        return name;
    }

    <T> List<T> all(Class<T> type) {
        return resources.stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** A Deployment, StatefulSet, Job or CronJob whose pods have one container. */
    record Workload(String name, V1LabelSelector selector, V1PodTemplateSpec template) {
        Map<String, String> labels() {
            return template.getMetadata().getLabels();
        }

        V1PodSpec pod() {
            return template.getSpec();
        }

        V1Container container() {
            assertThat(pod().getContainers()).hasSize(1);
            assertThat(pod().getInitContainers()).isEmpty();
            return pod().getContainers().getFirst();
        }

        /** The container port with this name or number; fails if there is none. */
        int port(Object nameOrNumber) {
            List<V1ContainerPort> ports = container().getPorts().stream()
                    .filter(port -> nameOrNumber.toString().equals(port.getName())
                            || nameOrNumber
                                    .toString()
                                    .equals(port.getContainerPort().toString()))
                    .toList();
            assertThat(ports).as("port %s of %s", nameOrNumber, name).hasSize(1);
            return ports.getFirst().getContainerPort();
        }

        boolean isOms() {
            return List.of("web", "worker", "migrate", "create-key").contains(name);
        }
    }

    List<Workload> workloads() {
        return resources.stream()
                .flatMap(resource -> switch (resource) {
                    case V1Deployment it ->
                        Stream.of(new Workload(
                                it.getMetadata().getName(),
                                it.getSpec().getSelector(),
                                it.getSpec().getTemplate()));
                    case V1StatefulSet it ->
                        Stream.of(new Workload(
                                it.getMetadata().getName(),
                                it.getSpec().getSelector(),
                                it.getSpec().getTemplate()));
                    case V1Job it ->
                        Stream.of(new Workload(
                                it.getMetadata().getName(),
                                it.getSpec().getSelector(),
                                it.getSpec().getTemplate()));
                    case V1CronJob it ->
                        Stream.of(new Workload(
                                it.getMetadata().getName(),
                                null,
                                it.getSpec().getJobTemplate().getSpec().getTemplate()));
                    default -> Stream.<Workload>of();
                })
                .toList();
    }

    Workload workload(String name) {
        return workloads().stream()
                .filter(it -> it.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    List<Workload> oms() {
        List<Workload> oms = workloads().stream().filter(Workload::isOms).toList();
        assertThat(oms).hasSize(4);
        return oms;
    }

    V1Deployment deployment(String name) {
        return all(V1Deployment.class).stream()
                .filter(it -> it.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    List<Workload> selected(Map<String, String> labels) {
        return selected(new V1LabelSelector().matchLabels(labels));
    }

    List<Workload> selected(V1LabelSelector selector) {
        return workloads().stream()
                .filter(it -> Traffic.matches(selector, it.labels()))
                .toList();
    }

    Optional<V1Service> service(String name) {
        return all(V1Service.class).stream()
                .filter(it -> it.getMetadata().getName().equals(name))
                .findFirst();
    }

    Traffic traffic() {
        return new Traffic(all(V1NetworkPolicy.class));
    }

    /** The environment variables of a workload's container, resolved as Kubernetes does. */
    Map<String, String> environment(Workload workload) {
        Map<String, String> environment = new HashMap<>();
        V1Container container = workload.container();
        container
                .getEnvFrom()
                .forEach(from -> environment.putAll(
                        configMap(from.getConfigMapRef().getName()).getData()));
        container
                .getEnv()
                .forEach(variable -> environment.put(
                        variable.getName(),
                        variable.getValue() != null
                                ? variable.getValue()
                                : secret(variable.getValueFrom().getSecretKeyRef())));
        return environment;
    }

    private V1ConfigMap configMap(String name) {
        return all(V1ConfigMap.class).stream()
                .filter(it -> it.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private String secret(V1SecretKeySelector reference) {
        List<V1Secret> secrets = all(V1Secret.class).stream()
                .filter(it -> it.getMetadata().getName().equals(reference.getName()))
                .toList();
        if (secrets.isEmpty()) {
            return FROM_SECRET + reference.getKey();
        }
        byte[] value = secrets.getFirst().getData().get(reference.getKey());
        assertThat(value)
                .as("Secret %s, key %s", reference.getName(), reference.getKey())
                .isNotNull();
        return new String(value, StandardCharsets.UTF_8);
    }

    static boolean isFromSecret(String value) {
        return value.startsWith(FROM_SECRET);
    }
}
