package dev.oms.compose;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.process.Child;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

    /** Otherwise a URL that is set in the user's shell would send web elsewhere than "migrate". */
    @Test
    void connectsAllServicesToOneDatabase() {
        for (String service : List.of("web", "worker", "seed", "migrate")) {
            JsonNode environment = services.path(service).path("environment");
            // Null: passed through, if it is set.
            assertThat(environment.has("OMS_DB_URL")).as(service).isTrue();
            assertThat(environment.path("OMS_DB_URL").isNull()).as(service).isTrue();
            assertThat(variable(service, "OMS_DB_NAME")).isEqualTo("${OMS_DB_NAME:-oms}");
        }
        for (String service : List.of("web", "worker", "seed")) {
            assertThat(variable(service, "OMS_DB_HOST")).isEqualTo("pgbouncer");
            assertThat(variable(service, "OMS_DB_USER")).isEqualTo(variable("pgbouncer", "DB_USER"));
        }
        assertThat(variable("migrate", "OMS_DB_HOST")).isEqualTo(variable("pgbouncer", "DB_HOST"));
        assertThat(services.path("migrate").path("command").path(0).asText()).isEqualTo("--migrate");
        assertThat(variable("pgbouncer", "OMS_DB_NAME")).isEqualTo("${OMS_DB_NAME:-oms}");
        assertThat(variable("db", "POSTGRES_DB")).isEqualTo("${OMS_DB_NAME:-oms}");
    }

    /** In PgBouncer each name has a pool of its own. */
    @Test
    void placesOrdersThroughAPoolOfTheirOwn() {
        assertThat(variable("web", "OMS_DB_PLACING_URL"))
                .isEqualTo("${OMS_DB_URL:-jdbc:postgresql://pgbouncer:5432/oms_placing}");
        // PostgreSQL allows 100 connections, some of which are for migrating and for operators.
        assertThat(2 * Integer.parseInt(variable("pgbouncer", "DEFAULT_POOL_SIZE")))
                .isBetween(20, 90);
    }

    /** One list for compose and Kubernetes; the server, the database and the size of the pool differ. */
    @Test
    void sharesPgBouncersSettingsWithKubernetes() throws IOException {
        JsonNode bouncer = services.path("pgbouncer");
        List<String> own = new ArrayList<>();
        bouncer.path("environment").fieldNames().forEachRemaining(own::add);

        assertThat(bouncer.path("env_file").asText()).isEqualTo("src/main/kubernetes/base/pgbouncer.env");
        assertThat(own)
                .containsExactlyInAnyOrder("DB_HOST", "DB_USER", "DB_PASSWORD", "DEFAULT_POOL_SIZE", "OMS_DB_NAME");
        assertThat(Files.readAllLines(Path.of(bouncer.path("env_file").asText())))
                .as("no line for each health check")
                .contains("LOG_CONNECTIONS=0", "LOG_DISCONNECTIONS=0");
        assertThat(bouncer.path("entrypoint").path(1).asText()).isEqualTo("/pgbouncer.sh");
        assertThat(bouncer.path("volumes").path(0).asText())
                .isEqualTo("./src/main/kubernetes/base/pgbouncer.sh:/pgbouncer.sh:ro");
    }

    /** What the image makes of its variables: DB_PORT ends in a list of settings, DB_PASSWORD is put between quotes. */
    @Test
    void startsPgBouncerWithAnyPasswordAndDatabase() throws IOException, InterruptedException {
        assumeTrue(Child.find("sh").isPresent(), "There is no sh on the PATH.");
        String script = Files.readString(Path.of("src/main/kubernetes/base/pgbouncer.sh"));
        assertThat(script).endsWith("\nexec /entrypoint.sh /usr/bin/pgbouncer /etc/pgbouncer/pgbouncer.ini\n");
        ProcessBuilder start = new ProcessBuilder(
                "sh", "-c", script.replaceFirst("exec /entrypoint.sh .*", "printenv DB_PASSWORD DB_PORT"));
        start.environment()
                .putAll(Map.of("DB_PASSWORD", "a\"b'c\\n $d%", "DB_PORT", "5432 dbname=oms", "OMS_DB_NAME", "shop"));

        Process process = start.start();

        assertThat(process.inputReader().lines()).containsExactly("a\"\"b'c\\n $d%", "5432 dbname=oms dbname=shop");
        assertThat(process.waitFor()).isZero();
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
        // Longer than any restart of web that ends well, with a try at least every second.
        assertThat(Files.readString(Path.of("src/main/docker/Caddyfile")))
                .contains("\n\t\tlb_try_duration 20s\n\t\tlb_try_interval 200ms\n");
        // Through to a web: "up --wait" returns when OMS answers.
        assertThat(gateway.at("/healthcheck/test").toString()).contains("http://127.0.0.1:3000/up");
    }

    /** A process that has ended well answers no health check. */
    @Test
    void checksNoHealthOfTasks() {
        for (String service : List.of("migrate", "seed")) {
            assertThat(services.path(service).at("/healthcheck/disable").asBoolean())
                    .as(service)
                    .isTrue();
        }
    }

    /** PostgreSQL also runs after an initialization that was cut short, without the database or the role. */
    @Test
    void asksTheDatabaseAQuestion() {
        JsonNode db = services.path("db");
        List<String> check = new ArrayList<>();
        db.at("/healthcheck/test").forEach(word -> check.add(word.asText()));

        assertThat(check)
                .containsSequence("-U", variable("db", "OMS_DB_USER"), "-d", variable("db", "POSTGRES_DB"))
                .contains("psql", "select 1");
        // The last script creates the role, in one transaction: where it can log in, all have run.
        assertThat(db.path("volumes").toString())
                .contains("/docker-entrypoint-initdb.d/1-superuser.sql:", "/docker-entrypoint-initdb.d/2-roles.sql:");
    }

    @Test
    void boundsEveryLog() {
        services.properties().forEach(service -> {
            JsonNode logging = service.getValue().path("logging");
            assertThat(logging.path("driver").asText()).as(service.getKey()).isEqualTo("json-file");
            assertThat(logging.at("/options/max-size").asText())
                    .as(service.getKey())
                    .matches("\\d+m");
            assertThat(logging.at("/options/max-file").asText())
                    .as(service.getKey())
                    .matches("[1-9]");
        });
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
                    .containsPattern(
                            "\\./src/main/postgres/%1$s:/docker-entrypoint-initdb\\.d/\\d-%1$s:ro".formatted(script));
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

    /** Beside the 256 threads that carry virtual ones, the pools have some, and each connection being opened one. */
    @Test
    void leavesRoomForTheThreadsOfABusyWeb() {
        for (String service : List.of("web", "worker")) {
            assertThat(services.path(service).path("pids_limit").asInt())
                    .as(service)
                    .isGreaterThanOrEqualTo(2 * 256);
        }
    }

    @Test
    void asksForAPasswordOfRedis() {
        String password = variable("redis", "REDISCLI_AUTH");

        assertThat(password).isNotEmpty();
        assertThat(services.at("/redis/command").toString()).contains("\"--requirepass\",\"" + password + "\"");
        assertThat(variable("web", "OMS_REDIS_URL")).isEqualTo("redis://:" + password + "@redis:6379");
    }
}
