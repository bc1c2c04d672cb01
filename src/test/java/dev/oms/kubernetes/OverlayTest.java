package dev.oms.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Streams;
import dev.oms.kubernetes.Overlay.Workload;
import dev.oms.kubernetes.Traffic.Endpoint;
import io.kubernetes.client.custom.Quantity;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1CronJob;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPeer;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1Probe;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1SecurityContext;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V2HorizontalPodAutoscaler;
import io.kubernetes.client.openapi.models.V2HorizontalPodAutoscalerSpec;
import io.quarkus.runtime.configuration.DurationConverter;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What operators rely on in the overlays dev and prod. */
@Tag("full")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@EnabledIf(
        value = "dev.oms.kubernetes.Kubectl#isNewEnough",
        disabledReason = "There is no kubectl of 1.27 or later on the PATH")
class OverlayTest {
    private static final int POSTGRES = 5432;
    private static final int REDIS = 6379;

    /** More than a starting web takes (5 s of CPU), averaged over the 15 s of the metrics server. */
    private static final BigDecimal START_CPU = new BigDecimal("0.5");

    /** Sends what jobs are left (6 s), then ends the other threads (5 s). */
    private static final Duration END_OF_SHUTDOWN = Duration.ofSeconds(6 + 5);

    private KnownSettings settings;
    private Set<String> variables;
    private Overlay dev;
    private Overlay prod;

    @BeforeAll
    void read() throws IOException, InterruptedException {
        settings = new KnownSettings();
        variables = settings.environmentVariables();
        dev = Overlay.read("overlays/dev");
        prod = Overlay.read("overlays/prod");
    }

    List<Overlay> overlays() {
        return List.of(dev, prod);
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void runsOneImage(Overlay overlay) {
        Set<String> images = overlay.oms().stream()
                .map(workload -> workload.container().getImage())
                .collect(Collectors.toSet());

        assertThat(images).singleElement().asString().matches(".*oms:.+").doesNotEndWith(":latest");
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void staysInItsNamespace(Overlay overlay) {
        String namespace =
                overlay.all(V1Namespace.class).getFirst().getMetadata().getName();

        assertThat(overlay.resources())
                .filteredOn(resource -> !(resource instanceof V1Namespace))
                .allSatisfy(resource ->
                        assertThat(resource.getMetadata().getNamespace()).isEqualTo(namespace));
        assertThat(dev.all(V1Namespace.class)).doesNotContainAnyElementsOf(prod.all(V1Namespace.class));
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void selectsExistingPods(Overlay overlay) {
        for (Workload workload : overlay.workloads()) {
            if (workload.selector() != null) {
                assertThat(overlay.selected(workload.selector())).containsExactly(workload);
            }
        }
        for (V1Service service : overlay.all(V1Service.class)) {
            List<Workload> selected = overlay.selected(service.getSpec().getSelector());
            assertThat(selected).as(service.getMetadata().getName()).hasSize(1);
            service.getSpec().getPorts().forEach(port -> selected.getFirst().port(port.getTargetPort()));
        }
        for (V1PodDisruptionBudget budget : overlay.all(V1PodDisruptionBudget.class)) {
            assertThat(overlay.selected(budget.getSpec().getSelector()))
                    .as(budget.getMetadata().getName())
                    .hasSize(1);
        }
        for (V1NetworkPolicy policy : overlay.all(V1NetworkPolicy.class)) {
            assertThat(overlay.selected(policy.getSpec().getPodSelector()))
                    .as(policy.getMetadata().getName())
                    .isNotEmpty();
            assertThat(peers(policy))
                    .filteredOn(peer -> peer.getPodSelector() != null && peer.getNamespaceSelector() == null)
                    .allSatisfy(peer ->
                            assertThat(overlay.selected(peer.getPodSelector())).isNotEmpty());
        }
    }

    private static List<V1NetworkPolicyPeer> peers(V1NetworkPolicy policy) {
        List<V1NetworkPolicyPeer> peers = new ArrayList<>();
        policy.getSpec().getIngress().forEach(rule -> peers.addAll(rule.getFrom()));
        policy.getSpec().getEgress().forEach(rule -> peers.addAll(rule.getTo()));
        return peers;
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void leavesReplicasToOneAutoscalerPerDeployment(Overlay overlay) {
        List<String> owned = Stream.concat(
                        overlay.all(V2HorizontalPodAutoscaler.class).stream()
                                .map(it -> it.getSpec().getScaleTargetRef().getName()),
                        overlay.all(Keda.ScaledObject.class).stream()
                                .map(it -> it.spec().scaleTargetRef().name()))
                .toList();

        assertThat(owned)
                .doesNotHaveDuplicates()
                .contains("web")
                .allSatisfy(
                        name -> assertThat(overlay.deployment(name).getSpec().getReplicas())
                                .isNull());
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void probesThePathsAndPortsThatOmsServes(Overlay overlay) {
        for (String role : List.of("web", "worker")) {
            Workload workload = overlay.workload(role);
            V1Container container = workload.container();
            Map<V1Probe, String> probes = Map.of(
                    container.getStartupProbe(), Probes.STARTUP,
                    container.getLivenessProbe(), Probes.LIVENESS,
                    container.getReadinessProbe(), Probes.READINESS);

            probes.forEach((probe, path) -> {
                assertThat(probe.getHttpGet().getPath()).isEqualTo(path);
                assertThat(workload.port(probe.getHttpGet().getPort()))
                        .isEqualTo(Integer.parseInt(setting(overlay, workload, "quarkus.management.port")));
            });
            // The readiness check may wait this long for a connection before it reports failure.
            assertThat(Duration.ofSeconds(container.getReadinessProbe().getTimeoutSeconds()))
                    .isGreaterThan(duration(setting(overlay, workload, "quarkus.datasource.jdbc.acquisition-timeout")));
        }
    }

    /** The value of a setting for the process in a pod. */
    private String setting(Overlay overlay, Workload workload, String name) {
        Map<String, String> environment = overlay.environment(workload);
        String variable = name.replaceAll("[.-]", "_").toUpperCase(Locale.ROOT);
        return environment.getOrDefault(
                variable, settings.of(environment.getOrDefault("QUARKUS_PROFILE", "prod"), name));
    }

    private static Duration duration(String text) {
        return DurationConverter.parseDuration(text);
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void setsOnlyVariablesThatOmsReads(Overlay overlay) {
        assertThat(variables).contains("OMS_DB_URL", "OMS_JOB_CONSUMER_BATCH_SIZE", "QUARKUS_PROFILE");
        for (Workload workload : overlay.oms()) {
            assertThat(overlay.environment(workload)).isNotEmpty();
            assertThat(overlay.environment(workload).keySet())
                    .filteredOn(variable -> !variables.contains(variable))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void connectsWebAndWorkersThroughPgBouncer(Overlay overlay) {
        for (String role : List.of("web", "worker")) {
            Map<String, String> environment = overlay.environment(overlay.workload(role));
            URI url = URI.create(environment.get("OMS_DB_URL").substring("jdbc:".length()));
            V1Service service = overlay.service(url.getHost()).orElseThrow();

            assertThat(overlay.selected(service.getSpec().getSelector()))
                    .containsExactly(overlay.workload("pgbouncer"));
            assertThat(service.getSpec().getPorts().getFirst().getPort()).isEqualTo(url.getPort());
            assertThat(environment).containsEntry("OMS_MIGRATE", "false");
            assertThat(environment.getOrDefault("QUARKUS_PROFILE", "prod"))
                    .isEqualTo(role.equals("web") ? "prod" : role);
        }
        Map<String, String> bouncer = overlay.environment(overlay.workload("pgbouncer"));
        assertThat(bouncer).containsEntry("POOL_MODE", "transaction");
        assertThat(Integer.parseInt(bouncer.get("MAX_PREPARED_STATEMENTS"))).isPositive();
        assertThat(overlay.workload("pgbouncer").container().getImage())
                .matches(".*/pgbouncer:v1\\.(2[4-9]|[3-9]\\d)\\..*");
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void placesOrdersThroughAPoolOfTheirOwn(Overlay overlay) {
        Map<String, String> web = overlay.environment(overlay.workload("web"));
        Map<String, String> bouncer = overlay.environment(overlay.workload("pgbouncer"));
        int poolSize = Integer.parseInt(bouncer.get("DEFAULT_POOL_SIZE"));
        int bouncers = overlay.deployment("pgbouncer").getSpec().getReplicas();
        int webs = overlay.all(V2HorizontalPodAutoscaler.class)
                .getFirst()
                .getSpec()
                .getMaxReplicas();

        assertThat(web.get("OMS_DB_PLACING_URL")).isEqualTo(web.get("OMS_DB_URL") + "_placing");
        // Takes any name for the one database.
        assertThat(bouncer).containsEntry("DB_NAME", "*");
        assertThat(bouncer.get("DB_PORT")).contains(" dbname=oms ");
        assertThat(overlay.workload("pgbouncer").container().getCommand()).containsExactly("sh", "/start/pgbouncer.sh");
        // A web usually places two groups at a time.
        assertThat(bouncers * poolSize).isGreaterThanOrEqualTo(webs * 2);
        // Two pools for each PgBouncer, one more of which runs during a rollout. PostgreSQL allows 100 connections,
        // some of which are for migrating and for operators.
        assertThat((bouncers + 1) * 2 * poolSize).isLessThanOrEqualTo(90);
    }

    /** PgBouncer must have tried again to connect before a waiting request gives up. */
    @ParameterizedTest
    @MethodSource("overlays")
    void findsPostgresAgainBeforeRequestsGiveUp(Overlay overlay) {
        Map<String, String> bouncer = overlay.environment(overlay.workload("pgbouncer"));
        Duration wait = Duration.ofSeconds(Long.parseLong(bouncer.get("QUERY_WAIT_TIMEOUT")));

        assertThat(Duration.ofSeconds(Long.parseLong(bouncer.getOrDefault("SERVER_LOGIN_RETRY", "15"))))
                .isLessThan(wait);
        assertThat(wait).isLessThan(duration(setting(overlay, overlay.workload("web"), "quarkus.shutdown.timeout")));
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void migratesWithoutPgBouncer(Overlay overlay) {
        Map<String, String> environment = overlay.environment(overlay.workload("migrate"));

        assertThat(overlay.workload("migrate").container().getArgs()).containsExactly("--migrate");
        assertThat(environment.get("OMS_DB_URL"))
                .satisfiesAnyOf(
                        // In prod the URL is in a Secret outside the overlay, and the server is outside the cluster.
                        url -> assertThat(Overlay.isFromSecret(url)).isTrue(),
                        url -> assertThat(overlay.service(URI.create(url.substring("jdbc:".length()))
                                                .getHost())
                                        .orElseThrow()
                                        .getSpec()
                                        .getSelector())
                                .isEqualTo(overlay.service("postgres")
                                        .orElseThrow()
                                        .getSpec()
                                        .getSelector()));
    }

    /** It says so itself, whatever the default is. */
    @ParameterizedTest
    @MethodSource("overlays")
    void asksForKeys(Overlay overlay) {
        assertThat(overlay.environment(overlay.workload("web"))).containsEntry("OMS_AUTH", "on");
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void createsAKeyOnlyWhenAsked(Overlay overlay) {
        V1CronJob job = overlay.all(V1CronJob.class).getFirst();
        Workload template = overlay.workload("create-key");

        assertThat(job.getSpec().getSuspend()).isTrue();
        assertThat(job.getSpec().getJobTemplate().getSpec().getBackoffLimit()).isZero();
        assertThat(template.container().getArgs()).containsExactly("--create-key", "first", "--role", "admin");
        assertThat(overlay.environment(template))
                .containsEntry("OMS_MIGRATE", "false")
                .containsKeys("OMS_DB_URL", "OMS_DB_USER", "OMS_DB_PASSWORD");
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void restrictsEveryContainer(Overlay overlay) {
        assertThat(overlay.all(V1Namespace.class).getFirst().getMetadata().getLabels())
                .containsEntry("pod-security.kubernetes.io/enforce", "restricted");
        assertThat(overlay.all(V1ServiceAccount.class))
                .singleElement()
                .satisfies(account ->
                        assertThat(account.getAutomountServiceAccountToken()).isFalse());
        for (Workload workload : overlay.workloads()) {
            V1SecurityContext context = workload.container().getSecurityContext();
            assertThat(context.getAllowPrivilegeEscalation()).isFalse();
            assertThat(context.getReadOnlyRootFilesystem()).isTrue();
            assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(context.getCapabilities().getAdd()).isEmpty();
            assertThat(workload.pod().getSecurityContext().getRunAsNonRoot()).isTrue();
            assertThat(workload.pod().getSecurityContext().getRunAsUser()).isPositive();
            assertThat(workload.pod().getSecurityContext().getSeccompProfile().getType())
                    .isEqualTo("RuntimeDefault");
            assertThat(workload.pod().getServiceAccountName()).isEqualTo("oms");
            assertThat(workload.pod().getAutomountServiceAccountToken()).isFalse();
            assertThat(workload.pod().getEnableServiceLinks()).isFalse();
            assertThat(workload.container().getResources().getRequests()).containsOnlyKeys("cpu", "memory");
            assertThat(workload.container().getResources().getLimits()).containsOnlyKeys("cpu", "memory");
        }
        assertThat(overlay.oms())
                .allSatisfy(workload -> assertThat(
                                workload.pod().getSecurityContext().getRunAsUser())
                        .isEqualTo(1001));
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void allowsEnoughTimeToShutDown(Overlay overlay) {
        for (String role : List.of("web", "worker")) {
            Workload workload = overlay.workload(role);
            Duration needed = preStop(workload)
                    .plus(duration(setting(overlay, workload, "quarkus.shutdown.delay")))
                    .plus(duration(setting(overlay, workload, "quarkus.shutdown.timeout")))
                    .plus(END_OF_SHUTDOWN);

            assertThat(gracePeriod(workload)).isGreaterThan(needed);
        }
        // Its clients need time to disconnect by themselves, including their last transaction of at most 30 s.
        Workload bouncer = overlay.workload("pgbouncer");
        assertThat(gracePeriod(bouncer))
                .isGreaterThan(preStop(bouncer)
                        .plus(duration(
                                setting(overlay, overlay.workload("web"), "quarkus.datasource.jdbc.max-lifetime")))
                        .plusSeconds(30));
        for (String name : List.of("web", "pgbouncer")) {
            V1Deployment deployment = overlay.deployment(name);
            assertThat(preStop(overlay.workload(name))).isPositive();
            assertThat(deployment
                            .getSpec()
                            .getStrategy()
                            .getRollingUpdate()
                            .getMaxUnavailable()
                            .getIntValue())
                    .isZero();
        }
    }

    private static Duration gracePeriod(Workload workload) {
        return Duration.ofSeconds(workload.pod().getTerminationGracePeriodSeconds());
    }

    private static Duration preStop(Workload workload) {
        var lifecycle = workload.container().getLifecycle();
        return lifecycle == null
                ? Duration.ZERO
                : Duration.ofSeconds(lifecycle.getPreStop().getSleep().getSeconds());
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void letsPodsReachTheHostsInTheirEnvironment(Overlay overlay) {
        Traffic traffic = overlay.traffic();
        for (Workload workload : overlay.workloads()) {
            Endpoint pod = new Endpoint.Pod(workload.labels());
            Map<String, String> environment = overlay.environment(workload);
            Map<String, Integer> ports = new HashMap<>();
            Stream.of("OMS_DB_URL", "OMS_DB_PLACING_URL", "OMS_REDIS_URL")
                    .filter(environment::containsKey)
                    .forEach(key -> ports.put(
                            Overlay.isFromSecret(environment.get(key))
                                    ? environment.get(key)
                                    : URI.create(environment.get(key).replace("jdbc:", ""))
                                            .getHost(),
                            key.equals("OMS_REDIS_URL") ? REDIS : POSTGRES));
            if (environment.containsKey("DB_HOST")) {
                ports.put(
                        environment.get("DB_HOST"),
                        Integer.valueOf(environment.get("DB_PORT").replaceFirst(" .*", "")));
            }

            ports.forEach((host, port) -> assertThat(traffic.reaches(pod, endpoint(overlay, host), port))
                    .as("%s reaches %s:%d", workload.name(), host, port)
                    .isTrue());
        }
    }

    private static List<Arguments> resolvers() {
        return List.of(
                Arguments.of(foreignPod("kube-system", "k8s-app", "kube-dns"), 53),
                Arguments.of(foreignPod("kube-system", "k8s-app", "coredns"), 53),
                // NodeLocal DNSCache.
                Arguments.of(new Endpoint.External("169.254.20.10"), 53),
                Arguments.of(foreignPod("openshift-dns", "dns.operator.openshift.io/daemonset-dns", "default"), 5353));
    }

    private static Endpoint foreignPod(String namespace, String label, String value) {
        return new Endpoint.ForeignPod(Map.of("kubernetes.io/metadata.name", namespace), Map.of(label, value));
    }

    @ParameterizedTest
    @MethodSource("resolvers")
    void letsPodsResolveNames(Endpoint resolver, int port) {
        for (Overlay overlay : overlays()) {
            for (Workload workload : overlay.workloads()) {
                Endpoint pod = new Endpoint.Pod(workload.labels());
                assertThat(overlay.traffic().reaches(pod, resolver, "UDP", port))
                        .isTrue();
                assertThat(overlay.traffic().reaches(pod, resolver, "TCP", port))
                        .isTrue();
                assertThat(overlay.traffic().reaches(pod, new Endpoint.External("9.9.9.9"), "UDP", port))
                        .isFalse();
            }
        }
    }

    /** In prod, an operator adds the address of the collector. */
    @ParameterizedTest
    @MethodSource("overlays")
    void letsWebAndWorkersOfDevSendTraces(Overlay overlay) {
        for (Workload workload : overlay.workloads()) {
            Endpoint pod = new Endpoint.Pod(workload.labels());
            for (int otlp : new int[] {4317, 4318}) {
                for (Endpoint collector :
                        List.of(foreignPod("observability", "app", "collector"), new Endpoint.External("10.1.2.3"))) {
                    assertThat(overlay.traffic().reaches(pod, collector, otlp))
                            .isEqualTo(
                                    overlay == dev && List.of("web", "worker").contains(workload.name()));
                }
            }
        }
    }

    private static Endpoint endpoint(Overlay overlay, String host) {
        return Overlay.isFromSecret(host)
                ? new Endpoint.External(host.endsWith("redis-url") ? "10.1.2.4" : "10.1.2.3")
                : new Endpoint.Pod(overlay.selected(
                                overlay.service(host).orElseThrow().getSpec().getSelector())
                        .getFirst()
                        .labels());
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void deniesAllOtherTraffic(Overlay overlay) {
        Traffic traffic = overlay.traffic();
        Endpoint otherNamespace = new Endpoint.ForeignPod(Map.of("kubernetes.io/metadata.name", "shop"), Map.of());
        Endpoint prometheus = new Endpoint.ForeignPod(Map.of("kubernetes.io/metadata.name", "monitoring"), Map.of());

        Map<String, Set<String>> reached = overlay.workloads().stream()
                .collect(Collectors.toMap(
                        Workload::name,
                        from -> overlay.workloads().stream()
                                .filter(to -> !to.name().equals("web")
                                        && to.container().getPorts() != null)
                                .filter(to -> to.container().getPorts().stream()
                                        .anyMatch(port -> traffic.reaches(
                                                new Endpoint.Pod(from.labels()),
                                                new Endpoint.Pod(to.labels()),
                                                port.getContainerPort())))
                                .map(Workload::name)
                                .collect(Collectors.toCollection(TreeSet::new))));
        Map<String, Set<String>> expected = new HashMap<>(Map.of(
                "web", Set.of("pgbouncer"),
                "worker", Set.of("pgbouncer"),
                "pgbouncer", Set.of(),
                "migrate", Set.of(),
                "create-key", Set.of("pgbouncer")));
        if (overlay == dev) {
            expected.putAll(Map.of(
                    "web", Set.of("pgbouncer", "redis"),
                    "worker", Set.of("pgbouncer", "redis"),
                    "pgbouncer", Set.of("postgres"),
                    "migrate", Set.of("postgres"),
                    "postgres", Set.of(),
                    "redis", Set.of()));
        }
        assertThat(reached).isEqualTo(expected);
        for (Workload workload : overlay.workloads()) {
            Endpoint pod = new Endpoint.Pod(workload.labels());
            assertThat(traffic.reaches(otherNamespace, pod, 3000))
                    .isEqualTo(workload.name().equals("web"));
            assertThat(traffic.reaches(otherNamespace, pod, 9000)).isFalse();
            assertThat(traffic.reaches(prometheus, pod, 9000))
                    .isEqualTo(List.of("web", "worker").contains(workload.name()));
            assertThat(traffic.reaches(pod, new Endpoint.External("10.1.2.3"), 443))
                    .isFalse();
            assertThat(traffic.reaches(pod, new Endpoint.External("93.184.216.34"), POSTGRES))
                    .isFalse();
            // Only workers send webhooks.
            assertThat(traffic.reaches(pod, new Endpoint.External("93.184.216.34"), 443))
                    .isEqualTo(workload.name().equals("worker"));
        }
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void letsPrometheusScrapeItsMetrics(Overlay overlay) {
        Endpoint prometheus = new Endpoint.ForeignPod(Map.of("kubernetes.io/metadata.name", "monitoring"), Map.of());

        for (String role : List.of("web", "worker")) {
            Workload workload = overlay.workload(role);
            int port = workload.port("management");
            assertThat(workload.template().getMetadata().getAnnotations())
                    .containsEntry("prometheus.io/scrape", "true")
                    .containsEntry("prometheus.io/port", Integer.toString(port))
                    .containsEntry("prometheus.io/path", "/q/metrics");
            assertThat(overlay.traffic().reaches(prometheus, new Endpoint.Pod(workload.labels()), port))
                    .isTrue();
        }
    }

    /** Kubernetes rejects a policy whose address range is none. */
    @Test
    void mustBeToldWhereTheServersAreInProd() throws IOException, InterruptedException {
        List<String> ranges = Pattern.compile("cidr: (.+)")
                .matcher(Kubectl.kustomize("overlays/prod"))
                .results()
                .map(found -> found.group(1))
                .toList();

        assertThat(ranges)
                .filteredOn(range -> !range.matches("[0-9.:]+/\\d+"))
                .containsExactlyInAnyOrderElementsOf(Overlay.FILLED_IN.keySet());
        // The resolver on the node, and the receivers of webhooks.
        assertThat(ranges)
                .filteredOn(range -> range.matches("[0-9.:]+/\\d+"))
                .containsExactlyInAnyOrder("169.254.20.10/32", "0.0.0.0/0", "::/0");
        for (Workload workload : prod.workloads()) {
            Endpoint pod = new Endpoint.Pod(workload.labels());
            for (int port : new int[] {POSTGRES, REDIS}) {
                assertThat(prod.traffic().reaches(pod, new Endpoint.External("10.1.2.5"), port))
                        .isFalse();
            }
        }
    }

    @Test
    void verifiesItsServersInProd() throws IOException {
        String secret = Files.readString(Path.of("src/main/kubernetes/overlays/prod/kustomization.yaml"));
        Map<String, String> bouncer = prod.environment(prod.workload("pgbouncer"));

        assertThat(secret)
                .contains(
                        "db-url='jdbc:postgresql://HOST:5432/oms?sslmode=verify-full&sslrootcert=/etc/oms/ca/postgres.crt'",
                        "redis-url='rediss://",
                        "create configmap oms-ca --from-file=postgres.crt --from-file=redis.crt");
        assertThat(bouncer)
                .containsEntry("SERVER_TLS_SSLMODE", "verify-full")
                .containsEntry("SERVER_TLS_CA_FILE", "/etc/oms/ca/postgres.crt");
        for (String role : List.of("web", "worker")) {
            assertThat(prod.environment(prod.workload(role)))
                    .containsEntry("QUARKUS_REDIS_TLS_TRUST_CERTIFICATE_PEM", "true")
                    .containsEntry("QUARKUS_REDIS_TLS_TRUST_CERTIFICATE_PEM_CERTS", "/etc/oms/ca/redis.crt");
        }
        for (Workload workload : prod.workloads()) {
            assertThat(workload.container().getVolumeMounts())
                    .anySatisfy(mount -> assertThat(mount.getName() + " " + mount.getMountPath())
                            .isEqualTo("ca /etc/oms/ca"));
            assertThat(workload.pod().getVolumes())
                    .anySatisfy(volume -> assertThat(
                                    volume.getConfigMap() == null
                                            ? ""
                                            : volume.getName() + " "
                                                    + volume.getConfigMap().getName())
                            .isEqualTo("ca oms-ca"));
        }
    }

    /** And PgBouncer, and with it web and workers, as the role that cannot change the schema. */
    @ParameterizedTest
    @MethodSource("overlays")
    void migratesAsTheOwner(Overlay overlay) {
        String owner = overlay.environment(overlay.workload("migrate")).get("OMS_DB_USER");

        for (String role : List.of("web", "worker")) {
            assertThat(overlay.environment(overlay.workload(role)).get("OMS_DB_USER"))
                    .isNotEqualTo(owner)
                    .isEqualTo(
                            overlay.environment(overlay.workload("pgbouncer")).get("DB_USER"));
        }
    }

    /** PostgreSQL also runs after an initialization that was cut short, without the database or the role. */
    @Test
    void asksTheDatabaseAQuestionInDev() {
        assertThat(dev.workload("postgres")
                        .container()
                        .getReadinessProbe()
                        .getExec()
                        .getCommand())
                .last()
                .asString()
                .contains("psql ", "--username=\"$OMS_DB_USER\"", "--dbname=oms", "select 1");
        assertThat(dev.all(V1ConfigMap.class))
                .filteredOn(map -> map.getMetadata().getName().startsWith("postgres-roles"))
                .singleElement()
                // The image runs them in the order of their names.
                .satisfies(map -> assertThat(map.getData()).containsOnlyKeys("1-superuser.sql", "2-roles.sql"));
    }

    @Test
    void createsBothRolesInDev() {
        Map<String, String> postgres = dev.environment(dev.workload("postgres"));

        assertThat(postgres)
                .containsEntry(
                        "OMS_DB_OWNER", dev.environment(dev.workload("migrate")).get("OMS_DB_USER"))
                .containsEntry(
                        "OMS_DB_USER", dev.environment(dev.workload("web")).get("OMS_DB_USER"))
                .doesNotContainKey("POSTGRES_USER");
        assertThat(dev.workload("postgres").container().getVolumeMounts())
                .anySatisfy(mount -> assertThat(mount.getMountPath()).isEqualTo("/docker-entrypoint-initdb.d"));
    }

    @Test
    void containsSecretsOnlyInDev() throws IOException, InterruptedException {
        Set<String> referenced = new TreeSet<>();
        for (Workload workload : prod.workloads()) {
            prod.environment(workload).values().stream()
                    .filter(Overlay::isFromSecret)
                    .map(value -> value.substring(value.lastIndexOf(' ') + 1))
                    .forEach(referenced::add);
        }
        prod.all(Keda.TriggerAuthentication.class)
                .forEach(it -> it.spec().secretTargetRef().forEach(target -> {
                    assertThat(target.name()).isEqualTo("oms");
                    referenced.add(target.key());
                }));
        Set<String> documented = Pattern.compile("--from-(?:literal|file)=([a-z-]+)=")
                .matcher(Files.readString(Path.of("src/main/kubernetes/overlays/prod/kustomization.yaml")))
                .results()
                .map(found -> found.group(1))
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(Overlay.read("base").all(V1Secret.class)).isEmpty();
        assertThat(prod.all(V1Secret.class)).isEmpty();
        assertThat(referenced).isEqualTo(documented).contains("db-password");
        // No other variable contains a password either.
        assertThat(prod.workloads())
                .allSatisfy(workload -> assertThat(prod.environment(workload))
                        .allSatisfy(
                                (key, value) -> assertThat(key.contains("PASSWORD") || value.matches(".*://[^/]*@.*"))
                                        .isEqualTo(key.contains("PASSWORD") && Overlay.isFromSecret(value))));
    }

    /** Starting takes more CPU than serving: a target below it would start ever more pods. */
    @ParameterizedTest
    @MethodSource("overlays")
    void scalesWebByLastingLoad(Overlay overlay) {
        V2HorizontalPodAutoscalerSpec scaler =
                overlay.all(V2HorizontalPodAutoscaler.class).getFirst().getSpec();
        V1Container web = overlay.workload("web").container();
        Quantity target =
                scaler.getMetrics().getFirst().getResource().getTarget().getAverageValue();

        assertThat(target.getNumber())
                .isBetween(
                        START_CPU,
                        web.getResources().getLimits().get("cpu").getNumber().multiply(new BigDecimal("0.8")));
        // A start must be over before it can count.
        assertThat(scaler.getBehavior().getScaleUp().getStabilizationWindowSeconds())
                .isGreaterThanOrEqualTo(web.getStartupProbe().getPeriodSeconds()
                        * web.getStartupProbe().getFailureThreshold());
        assertThat(scaler.getBehavior().getScaleDown().getPolicies())
                .singleElement()
                .satisfies(policy ->
                        assertThat(policy.getType() + " " + policy.getValue()).isEqualTo("Pods 1"));
    }

    @Test
    void keepsWorkersWhenKedaCannotAskRedis() {
        Keda.ScaledObject.Spec workers =
                prod.all(Keda.ScaledObject.class).getFirst().spec();

        assertThat(workers.fallback().behavior()).isEqualTo("currentReplicasIfHigher");
        assertThat(workers.fallback().failureThreshold()).isPositive();
        assertThat(workers.fallback().replicas()).isBetween(workers.minReplicaCount(), workers.maxReplicaCount());
    }

    @Test
    void scalesWorkersByTheLengthOfTheStreamInProd() {
        Keda.ScaledObject scaled = prod.all(Keda.ScaledObject.class).getFirst();
        Keda.ScaledObject.Trigger trigger = scaled.spec().triggers().getFirst();

        assertThat(scaled.spec().scaleTargetRef().name()).isEqualTo("worker");
        assertThat(scaled.spec().minReplicaCount()).isPositive();
        assertThat(trigger.type()).isEqualTo("redis-streams");
        assertThat(trigger.metadata()).containsEntry("stream", Streams.JOBS);
        assertThat(Integer.parseInt(trigger.metadata().get("streamLength"))).isPositive();
        // With a consumer group, KEDA would not count the length of the stream.
        assertThat(trigger.metadata()).doesNotContainKeys("consumerGroup", "pendingEntriesCount", "lagCount");
        assertThat(prod.all(Keda.TriggerAuthentication.class))
                .extracting(it -> it.metadata().name())
                .containsExactly(trigger.authenticationRef().name());
    }

    @Test
    void spreadsEveryDeploymentInProd() {
        for (V1Deployment deployment : prod.all(V1Deployment.class)) {
            Workload workload = prod.workload(deployment.getMetadata().getName());

            assertThat(workload.pod().getTopologySpreadConstraints())
                    .extracting(it -> it.getTopologyKey())
                    .containsExactly("topology.kubernetes.io/zone", "kubernetes.io/hostname");
            assertThat(workload.pod().getTopologySpreadConstraints()).allSatisfy(constraint -> {
                assertThat(Traffic.matches(constraint.getLabelSelector(), workload.labels()))
                        .isTrue();
                assertThat(constraint.getMatchLabelKeys())
                        .containsExactly("app.kubernetes.io/name", "pod-template-hash");
                assertThat(workload.labels()).containsKey("app.kubernetes.io/name");
            });
        }
    }

    @Test
    void configuresDevsRedisToKeepJobs() {
        assertThat(String.join(" ", dev.workload("redis").container().getArgs()))
                .contains("--appendonly yes", "--maxmemory-policy noeviction");
    }
}
