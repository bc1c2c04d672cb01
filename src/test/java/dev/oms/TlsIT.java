package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PostgreSQL and Redis over TLS, with the settings of the overlay prod. The servers' certificate is for localhost. */
@Tag("full")
@EnabledIf(value = "dev.oms.TlsIT#hasTools", disabledReason = "There is no openssl or no redis-server on the PATH")
class TlsIT {
    private static final Path CERTIFICATES = Path.of("target/processes/tls").toAbsolutePath();

    private static final ObjectMapper JSON = new ObjectMapper();

    private static EmbeddedServers servers;
    private static Child redis;
    private static int redisPort;

    static boolean hasTools() {
        return Child.find("openssl").isPresent() && Child.find("redis-server").isPresent();
    }

    @BeforeAll
    static void startServers() throws IOException, InterruptedException {
        Files.createDirectories(CERTIFICATES);
        for (String authority : List.of("ours", "another")) {
            run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%1$s -keyout %1$s.key -out %1$s.crt"
                    .formatted(authority));
        }
        run("openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr");
        Files.writeString(CERTIFICATES.resolve("names"), "subjectAltName = DNS:localhost");
        run("openssl x509 -req -in server.csr -CA ours.crt -CAkey ours.key -CAcreateserial -days 2 -extfile names"
                + " -out server.crt");
        servers = EmbeddedServers.start(Map.of(
                "ssl", "on",
                "ssl_cert_file", CERTIFICATES.resolve("server.crt").toString(),
                "ssl_key_file", CERTIFICATES.resolve("server.key").toString()));
        redisPort = OmsProcess.freePort();
        redis = Child.start(
                Path.of("target/processes/tls-redis.log"),
                Map.of(),
                List.of(
                        ("redis-server --bind 127.0.0.1 --port 0 --tls-port %d --tls-auth-clients no --requirepass s3cr3t"
                                        + " --tls-cert-file %2$s/server.crt --tls-key-file %2$s/server.key --dir %2$s")
                                .formatted(redisPort, CERTIFICATES)
                                .split(" ")));
        assertThat(migrating("localhost", "ours").run("--migrate")).isZero();
    }

    @AfterAll
    static void stopServers() {
        redis.close();
        servers.stop();
    }

    private static void run(String command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command.split(" "))
                .directory(CERTIFICATES.toFile())
                .redirectErrorStream(true)
                .redirectOutput(CERTIFICATES.resolve("openssl.log").toFile())
                .start();
        assertThat(process.waitFor()).isZero();
    }

    private static Map<String, String> settings(String host, String authority) {
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.computeIfPresent(
                "OMS_DB_URL",
                (key, url) -> url.replace("localhost", host) + "&sslmode=verify-full&sslrootcert="
                        + CERTIFICATES.resolve(authority + ".crt"));
        return settings;
    }

    private static OmsProcess migrating(String host, String authority) throws IOException {
        return new OmsProcess("tls-migrate" + System.nanoTime(), "prod", settings(host, authority));
    }

    /** The certificate of another authority, and a host that is not in the certificate. */
    @ParameterizedTest
    @CsvSource({"localhost, another", "127.0.0.1, ours"})
    void refusesAnotherPostgres(String host, String authority) throws IOException, InterruptedException {
        OmsProcess migrate = migrating(host, authority);

        assertThat(migrate.run("--migrate")).isEqualTo(1);
        assertThat(Files.readAllLines(migrate.log()).getLast())
                .startsWith("OMS did not start: PostgreSQL at OMS_DB_URL cannot be used: ");
    }

    /** A process that connects to PostgreSQL as it should. */
    private static OmsProcess oms(String name, String profile, String redisHost, String redisAuthority)
            throws IOException {
        Map<String, String> settings = settings("localhost", "ours");
        settings.put("OMS_REDIS_URL", "rediss://:s3cr3t@" + redisHost + ":" + redisPort);
        settings.put("QUARKUS_REDIS_TLS_TRUST_CERTIFICATE_PEM", "true");
        settings.put(
                "QUARKUS_REDIS_TLS_TRUST_CERTIFICATE_PEM_CERTS",
                CERTIFICATES.resolve(redisAuthority + ".crt").toString());
        return new OmsProcess("tls-" + name + System.nanoTime(), profile, settings);
    }

    @Test
    void placesAndSettlesOverTls() throws Exception {
        try (OmsProcess web = oms("web", "prod", "localhost", "ours");
                OmsProcess worker = oms("worker", "worker", "localhost", "ours")) {
            web.start();
            worker.start();
            web.awaitReady();
            // Which needs Redis.
            worker.awaitReady();

            long user = post(web, "/users", "{\"name\":\"A\",\"email\":\"a@example.com\",\"phone\":\"5550100001\"}");
            post(web, "/inventory_items", "{\"name\":\"tea\",\"quantity\":5,\"threshold\":0}");
            long order = post(web, "/orders", "{\"user_id\":" + user + ",\"items\":{\"tea\":2}}");

            await().atMost(Duration.ofSeconds(60))
                    .until(() -> JSON.readTree(web.get("/orders/" + order))
                            .path("status")
                            .asText()
                            .equals("Confirmed"));
            assertThat(JSON.readTree(web.get("/jobs")).path("redis").asBoolean())
                    .as("web reaches Redis; without it, the reconciler would have settled the order")
                    .isTrue();
        }
    }

    private static long post(OmsProcess web, String path, String body) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> created = client.send(
                    HttpRequest.newBuilder(web.uri(path))
                            .header("Content-Type", "application/json")
                            .POST(BodyPublishers.ofString(body))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
            return JSON.readTree(created.body()).path("id").asLong();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "localhost, another, unable to find valid certification path",
        "127.0.0.1, ours, No subject alternative names matching"
    })
    void refusesAnotherRedis(String host, String authority, String reason) throws IOException {
        try (OmsProcess worker = oms("worker", "worker", host, authority)) {
            worker.start();

            await().atMost(Duration.ofSeconds(60)).until(() -> worker.logged(reason) > 0);
        }
    }
}
