package dev.oms.compose;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** What operators rely on in docker-compose.yml. */
class ComposeTest {
    private static JsonNode services;

    @BeforeAll
    static void read() throws IOException {
        Object document = new Yaml(new SafeConstructor(new LoaderOptions()))
                .load(Files.readString(Path.of("docker-compose.yml")));
        services = new ObjectMapper().<JsonNode>valueToTree(document).path("services");
    }

    private static String variable(String service, String name) {
        return services.path(service).path("environment").path(name).asText();
    }

    /** Otherwise one that is set in the user's shell would send web elsewhere than "migrate". */
    @Test
    void connectsAllServicesToItsOwnDatabase() {
        for (String service : List.of("web", "worker", "seed")) {
            assertThat(variable(service, "OMS_DB_URL")).isEqualTo("jdbc:postgresql://pgbouncer:5432/oms");
            assertThat(variable(service, "OMS_DB_USER")).isEqualTo(variable("pgbouncer", "DB_USER"));
        }
        URI migrated = URI.create(variable("migrate", "OMS_DB_URL").substring("jdbc:".length()));
        assertThat(migrated.getHost()).isEqualTo(variable("pgbouncer", "DB_HOST"));
        assertThat(services.path("migrate").path("command").path(0).asText()).isEqualTo("--migrate");
    }

    /** In PgBouncer each name has a pool of its own. */
    @Test
    void placesOrdersThroughAPoolOfTheirOwn() {
        assertThat(variable("web", "OMS_DB_PLACING_URL")).isEqualTo("jdbc:postgresql://pgbouncer:5432/oms_placing");
        // PostgreSQL allows 100 connections, some of which are for migrating and for operators.
        assertThat(2 * Integer.parseInt(variable("pgbouncer", "DEFAULT_POOL_SIZE")))
                .isBetween(20, 90);
    }

    /** One list for compose and Kubernetes; the servers' address and the size of the pool differ. */
    @Test
    void sharesPgBouncersSettingsWithKubernetes() {
        JsonNode bouncer = services.path("pgbouncer");
        List<String> own = new ArrayList<>();
        bouncer.path("environment").fieldNames().forEachRemaining(own::add);

        assertThat(bouncer.path("env_file").asText()).isEqualTo("src/main/kubernetes/base/pgbouncer.env");
        assertThat(own).containsExactlyInAnyOrder("DB_HOST", "DB_USER", "DB_PASSWORD", "DEFAULT_POOL_SIZE");
    }

    /** It asks for no keys, so others must not reach it. */
    @Test
    void isReachableOnlyFromThisHostWhileItAsksForNoKeys() {
        assertThat(variable("web", "OMS_AUTH")).isEqualTo("${OMS_AUTH:-off}");
        List<String> published = new ArrayList<>();
        services.forEach(service -> service.path("ports").forEach(port -> published.add(port.asText())));
        assertThat(published)
                .hasSize(3)
                .allSatisfy(port -> assertThat(port).matches("\\$\\{OMS_\\w*ADDRESS:-127\\.0\\.0\\.1}:.+:\\d+"));
    }

    /** The images check the management port, which both roles open. */
    @Test
    void checksTheHealthOfBothRoles() throws IOException {
        for (String dockerfile : List.of("Dockerfile.jvm", "Dockerfile.native")) {
            assertThat(Files.readString(Path.of("src/main/docker", dockerfile)))
                    .contains("\"http://127.0.0.1:9000/q/health/ready\"", "\nEXPOSE 3000 9000\n");
        }
        for (String service : List.of("web", "worker")) {
            assertThat(services.path(service).path("environment").has("QUARKUS_MANAGEMENT_PORT"))
                    .isFalse();
        }
    }

    @Test
    void startsTheGatewayWhenWebIsHealthy() throws IOException {
        JsonNode gateway = services.path("gateway");

        assertThat(gateway.at("/depends_on/web/condition").asText()).isEqualTo("service_healthy");
        assertThat(gateway.path("volumes").path(0).asText())
                .isEqualTo("./src/main/docker/Caddyfile:/etc/caddy/Caddyfile:ro");
        assertThat(Files.readString(Path.of("src/main/docker/Caddyfile"))).contains("lb_try_duration");
    }

    /** Only the role that "migrate" uses owns the tables, and neither is the image's superuser. */
    @Test
    void migratesWithAnotherRole() throws IOException {
        JsonNode db = services.path("db");

        assertThat(variable("migrate", "OMS_DB_USER"))
                .isEqualTo(variable("db", "OMS_DB_OWNER"))
                .isNotEqualTo(variable("web", "OMS_DB_USER"));
        assertThat(db.path("environment").has("POSTGRES_USER")).isFalse();
        for (String script : List.of("roles.sql", "superuser.sql")) {
            assertThat(db.path("volumes").toString())
                    .contains("./src/main/postgres/%1$s:/docker-entrypoint-initdb.d/%1$s:ro".formatted(script));
            assertThat(Path.of("src/main/postgres", script)).exists();
        }
    }

    @Test
    void confinesEveryContainer() {
        services.properties().forEach(service -> {
            JsonNode settings = service.getValue();
            assertThat(settings.path("read_only").asBoolean())
                    .as(service.getKey())
                    .isTrue();
            assertThat(settings.path("cap_drop").toString())
                    .as(service.getKey())
                    .isEqualTo("[\"ALL\"]");
            assertThat(settings.path("security_opt").toString())
                    .as(service.getKey())
                    .isEqualTo("[\"no-new-privileges:true\"]");
            assertThat(settings.path("pids_limit").asInt()).as(service.getKey()).isPositive();
            assertThat(settings.path("mem_limit").asText()).as(service.getKey()).isNotEmpty();
        });
    }

    @Test
    void asksForAPasswordOfRedis() {
        String password = variable("redis", "REDISCLI_AUTH");

        assertThat(password).isNotEmpty();
        assertThat(services.at("/redis/command").toString()).contains("\"--requirepass\",\"" + password + "\"");
        assertThat(variable("web", "OMS_REDIS_URL")).isEqualTo("redis://:" + password + "@redis:6379");
    }
}
