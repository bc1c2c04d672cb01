package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.IOException;
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
        assertThat(oms("migrate", "localhost", "ours").run("--migrate")).isZero();
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

    private static OmsProcess oms(String name, String host, String authority) throws IOException {
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.computeIfPresent(
                "OMS_DB_URL",
                (key, url) -> url.replace("localhost", host) + "&sslmode=verify-full&sslrootcert="
                        + CERTIFICATES.resolve(authority + ".crt"));
        return new OmsProcess("tls-" + name + System.nanoTime(), "prod", settings);
    }

    /** The certificate of another authority, and a host that is not in the certificate. */
    @ParameterizedTest
    @CsvSource({"localhost, another", "127.0.0.1, ours"})
    void refusesAnotherPostgres(String host, String authority) throws IOException, InterruptedException {
        OmsProcess migrate = oms("refused", host, authority);

        assertThat(migrate.run("--migrate")).isEqualTo(1);
        assertThat(Files.readAllLines(migrate.log()).getLast())
                .startsWith("OMS did not start: PostgreSQL at OMS_DB_URL cannot be used: ");
    }

    private static OmsProcess worker(String host, String authority) throws IOException {
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("OMS_REDIS_URL", "rediss://:s3cr3t@" + host + ":" + redisPort);
        settings.put("QUARKUS_REDIS_TLS_TRUST_CERTIFICATE_PEM", "true");
        settings.put(
                "QUARKUS_REDIS_TLS_TRUST_CERTIFICATE_PEM_CERTS",
                CERTIFICATES.resolve(authority + ".crt").toString());
        return new OmsProcess("tls-worker" + System.nanoTime(), "worker", settings);
    }

    @Test
    void settlesJobsOverTls() throws IOException {
        try (OmsProcess worker = worker("localhost", "ours")) {
            worker.start();

            worker.awaitReady();
            assertThat(worker.logged("Jobs cannot be")).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "localhost, another, unable to find valid certification path",
        "127.0.0.1, ours, No subject alternative names matching"
    })
    void refusesAnotherRedis(String host, String authority, String reason) throws IOException {
        try (OmsProcess worker = worker(host, authority)) {
            worker.start();

            await().atMost(Duration.ofSeconds(60)).until(() -> worker.logged(reason) > 0);
        }
    }
}
