package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.access.TestKeys;
import dev.oms.process.OmsProcess;
import io.vertx.redis.client.Command;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A key is revoked in one of three web processes, which all have just accepted it. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class KeyFaultIT {
    private static final int WEBS = 3;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient client = HttpClient.newHttpClient();
    private final List<OmsProcess> webs = new ArrayList<>();
    private Servers servers;
    private String admin;

    @BeforeEach
    void start(Cluster cluster) throws IOException {
        cluster.startAll(); // Migrates the database.
        servers = cluster.servers();
        admin = TestKeys.admin(servers.ledger());
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("OMS_AUTH", "on");
        for (int i = 1; i <= WEBS; i++) {
            OmsProcess web = new OmsProcess("keys-web-" + i, "prod", settings);
            web.start();
            webs.add(web);
        }
        webs.forEach(OmsProcess::awaitReady);
    }

    @AfterEach
    void stop() {
        webs.forEach(OmsProcess::close);
        client.close();
    }

    private HttpResponse<String> send(OmsProcess web, String path, String key, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(web.uri(path))
                .timeout(Duration.ofSeconds(30))
                .header("Authorization", "Bearer " + key);
        if (body != null) {
            request.header("Content-Type", "application/json").POST(BodyPublishers.ofString(body));
        }
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private int status(OmsProcess web, String key) throws Exception {
        return send(web, "/order_statuses", key, null).statusCode();
    }

    private JsonNode create(String body) throws Exception {
        return JSON.readTree(send(webs.getFirst(), "/api_keys", admin, body).body());
    }

    /**
     * Revokes a key that all accept.
     *
     * @param atMost how long each web may accept it
     * @return how many milliseconds each web took to refuse it
     */
    private List<Long> revoke(Duration atMost) throws Exception {
        JsonNode created = create("{\"name\":\"shop\",\"role\":\"storefront\"}");
        String key = created.path("key").asText();
        for (OmsProcess web : webs) {
            assertThat(status(web, key)).isEqualTo(200);
        }

        assertThat(send(webs.getFirst(), "/api_keys/" + created.path("id") + "/revoke", admin, "{}")
                        .statusCode())
                .isEqualTo(200);

        long revoked = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Long>> refusals = webs.stream()
                    .map(web -> threads.submit(() -> {
                        await().atMost(atMost)
                                .pollInterval(Duration.ofMillis(20))
                                .until(() -> status(web, key) == 401);
                        return (System.nanoTime() - revoked) / 1_000_000;
                    }))
                    .toList();
            List<Long> millis = new ArrayList<>();
            for (Future<Long> refusal : refusals) {
                millis.add(refusal.get());
            }
            return millis;
        }
    }

    /**
     * The promise is a second, which a busy machine may miss: a web looks for changes every half second. What must not
     * happen is that it finds none. Then it refuses the key 10 s after it has looked it up, which it has just done. The
     * bound is not far below that; the figures are in the log.
     */
    @Test
    void aRevokedKeyIsRefusedEverywhere() throws Exception {
        List<List<Long>> millis = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            millis.add(revoke(Duration.ofSeconds(8)));
        }

        System.out.printf("fault: %d revocations reached each web within %s ms%n", millis.size(), millis);
    }

    /** The promise is 10 s. What must not happen is that a key that is in use is never looked up again. */
    @Test
    void aRevokedKeyIsRefusedEverywhereWithoutRedis() throws Exception {
        servers.killRedis();
        try {
            System.out.printf(
                    "fault: without Redis a revocation reached each web within %s ms%n",
                    revoke(Duration.ofSeconds(100)));
        } finally {
            servers.startRedis();
        }
    }

    /**
     * The key is used at four fifths of its rate, so that it is refused if a call takes more units than it costs, or if
     * units are lost between Redis and the webs. A slow machine uses it less.
     */
    @Test
    void nobodyIsRefusedWronglyWhenRedisLosesItsData() throws Exception {
        int rate = 40;
        long gapNanos = TimeUnit.SECONDS.toNanos(1) * 5 / (rate * 4);
        String key = create("{\"name\":\"shop\",\"role\":\"storefront\",\"rate\":" + rate + "}")
                .path("key")
                .asText();
        for (int i = 0; i < 400; i++) {
            long next = System.nanoTime() + gapNanos;
            switch (i) {
                case 150, 300 -> servers.streams().redis(Command.FLUSHALL);
                case 200 -> servers.killRedis();
                case 250 -> servers.startRedis();
                default -> {}
            }
            assertThat(status(webs.get(i % WEBS), key)).as("call %d", i).isEqualTo(200);
            TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
        }
    }
}
