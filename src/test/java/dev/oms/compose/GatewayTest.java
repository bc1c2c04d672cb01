package dev.oms.compose;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The gateway of docker-compose.yml: a Caddy with the Caddyfile that is used there. */
@Tag("full")
class GatewayTest {
    private static final Path CONFIG = Path.of("target/processes/Caddyfile");

    private static final int HELD = 900;

    private final HttpClient client = HttpClient.newHttpClient();
    private int gatewayPort;
    private int webPort;
    private Child gateway;

    @BeforeEach
    void start() throws IOException {
        assumeTrue(Child.find("caddy").isPresent(), "There is no caddy on the PATH.");
        gatewayPort = OmsProcess.freePort();
        webPort = OmsProcess.freePort();
        Files.createDirectories(CONFIG.getParent());
        Files.writeString(
                CONFIG,
                Files.readString(Path.of("src/main/docker/Caddyfile"))
                        .replace(":3000 {", "http://127.0.0.1:" + gatewayPort + " {")
                        .replace("dynamic a web 3000", "dynamic a localhost " + webPort)
                        .replace("response_header_timeout 60s", "response_header_timeout 5s"));
        gateway = Child.start(
                Path.of("target/processes/caddy.log"),
                Map.of("XDG_CONFIG_HOME", "target/processes", "XDG_DATA_HOME", "target/processes"),
                List.of("caddy", "run", "--config", CONFIG.toString(), "--adapter", "caddyfile"));
        await().alias("Caddy listens, see " + gateway.log())
                .atMost(Duration.ofSeconds(30))
                .ignoreExceptions()
                .until(() -> {
                    new Socket(InetAddress.getLoopbackAddress(), gatewayPort).close();
                    return true;
                });
    }

    @AfterEach
    void stop() {
        client.close();
        if (gateway != null) {
            gateway.close();
        }
    }

    /**
     * With a GET, because Debian's Caddy is older than the image, and loses the body of a request that it tries again.
     */
    @Test
    void holdsRequestsWhileWebRestarts() throws Exception {
        CompletableFuture<HttpResponse<String>> held = send(request().GET());
        Thread.sleep(2_000);
        assertThat(held).isNotDone();

        AtomicInteger requests = new AtomicInteger();
        HttpServer web = web(requests, new AtomicInteger(), true);
        try {
            assertThat(held)
                    .succeedsWithin(Duration.ofMinutes(1))
                    .satisfies(answer -> assertThat(answer.statusCode()).isEqualTo(201));
            assertThat(requests).hasValue(1);
        } finally {
            web.stop(0);
        }
    }

    /** All at once, they would be more than a web that has just started can serve, and most would be refused. */
    @Test
    void letsHeldRequestsInBitByBit() throws Exception {
        List<CompletableFuture<HttpResponse<String>>> held = new ArrayList<>();
        for (int i = 0; i < HELD; i++) {
            held.add(send(request().GET()));
        }
        Thread.sleep(1_000);

        AtomicInteger mostAtOnce = new AtomicInteger();
        HttpServer web = web(new AtomicInteger(), mostAtOnce, true);
        try {
            assertThat(held)
                    .allSatisfy(answer -> assertThat(answer)
                            .succeedsWithin(Duration.ofMinutes(1))
                            .satisfies(response ->
                                    assertThat(response.statusCode()).isEqualTo(201)));
            assertThat(mostAtOnce.get()).isBetween(1, 600);
        } finally {
            web.stop(0);
        }
    }

    /** An order whose answer is lost may have been placed: only its client can tell whether to send it again. */
    @Test
    void sendsNoOrderTwice() throws Exception {
        AtomicInteger requests = new AtomicInteger();
        HttpServer web = web(requests, new AtomicInteger(), false);
        try {
            assertThat(send(request().POST(BodyPublishers.ofString("{}"))))
                    .succeedsWithin(Duration.ofMinutes(1))
                    .satisfies(answer -> {
                        assertThat(answer.statusCode()).isEqualTo(502);
                        assertProblem(answer, "it is not known whether anything was changed");
                    });
            assertThat(requests).hasValue(1);
        } finally {
            web.stop(0);
        }
    }

    /** Clients parse problems, and wait as long as they are asked to. */
    @Test
    void refusesWithAProblemWhenThereIsNoWeb() {
        assertThat(send(request().POST(BodyPublishers.ofString("{}"))))
                .succeedsWithin(Duration.ofMinutes(1))
                .satisfies(answer -> {
                    // Caddy's status depends on what failed last: connecting, or finding a web that did not just fail.
                    assertThat(answer.statusCode()).isIn(502, 503);
                    assertProblem(answer, "");
                });
    }

    /** Otherwise the calls that wait for a connection to it would never end. */
    @Test
    void givesUpOnAWebThatIsSilent() throws Exception {
        try (var _ = new ServerSocket(webPort)) {
            assertThat(send(request().POST(BodyPublishers.ofString("{}"))))
                    .succeedsWithin(Duration.ofMinutes(1))
                    .satisfies(answer -> {
                        assertThat(answer.statusCode()).isEqualTo(504);
                        assertProblem(answer, "it is not known whether anything was changed");
                    });
        }
    }

    private static void assertProblem(HttpResponse<String> answer, String detail) {
        assertThat(answer.headers().allValues("Content-Type")).containsExactly("application/problem+json");
        assertThat(answer.headers().firstValue("Retry-After")).hasValue("1");
        JsonNode problem;
        try {
            problem = new ObjectMapper().readTree(answer.body());
        } catch (JsonProcessingException e) {
            throw new AssertionError("Not JSON: " + answer.body(), e);
        }
        assertThat(problem.path("type").asText()).isEqualTo("about:blank");
        assertThat(problem.path("title").asText()).isIn("Bad Gateway", "Service Unavailable", "Gateway Timeout");
        assertThat(problem.path("status").isInt()).isTrue();
        assertThat(problem.path("status").asInt()).isEqualTo(answer.statusCode());
        assertThat(problem.path("detail").asText())
                .contains(detail)
                .isEqualTo(problem.path("error").asText());
    }

    private HttpRequest.Builder request() {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gatewayPort + "/orders?user_id=1"));
    }

    private CompletableFuture<HttpResponse<String>> send(HttpRequest.Builder request) {
        return client.sendAsync(request.build(), BodyHandlers.ofString());
    }

    /** Stands in for web: it answers 201 after a while, or closes the connection without an answer. */
    private HttpServer web(AtomicInteger requests, AtomicInteger mostAtOnce, boolean answers) throws IOException {
        HttpServer web = HttpServer.create(new InetSocketAddress("localhost", webPort), 1_000);
        AtomicInteger inProgress = new AtomicInteger();
        web.setExecutor(Thread::startVirtualThread);
        web.createContext("/", call -> {
            requests.incrementAndGet();
            mostAtOnce.accumulateAndGet(inProgress.incrementAndGet(), Math::max);
            call.getRequestBody().readAllBytes();
            LockSupport.parkNanos(Duration.ofMillis(300).toNanos());
            inProgress.decrementAndGet();
            if (answers) {
                call.sendResponseHeaders(201, -1);
            }
            call.close();
        });
        web.start();
        return web;
    }
}
