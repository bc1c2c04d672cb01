package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.process.OmsProcess;
import dev.oms.webhook.TestCertificate;
import dev.oms.webhook.TestReceiver;
import dev.oms.webhook.TestReceiver.Received;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.redis.client.Command;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Workers, servers and receivers that fail while webhooks are sent: every event arrives, in order per subject. */
@Tag("full")
@ExtendWith(FaultSuite.class)
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class WebhookFaultIT {
    private static final Map<String, String> SETTINGS = Map.of(
            "OMS_SECRETS_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "OMS_WEBHOOKS_ALLOW", "127.0.0.0/8",
            "OMS_MIGRATE", "false");

    private static final Buffer CHUNK = Buffer.buffer(new byte[64 * 1024]);

    @TempDir
    private static Path directory;

    /** Receivers by name; those that never accept anything are called dead. */
    private final Map<String, TestReceiver> receivers = new LinkedHashMap<>();

    @Test
    void everyEventArrivesWhateverFails(Cluster direct, Random random) throws Exception {
        int kills = FaultSuite.KILLS;
        direct.startAll(); // Migrates the database.
        direct.close(); // Its workers have no key.
        direct.servers().ledger().execute("delete from webhook_endpoints");
        addReceivers();
        try (Cluster cluster = new Cluster(direct.servers(), "webhook-", SETTINGS)) {
            cluster.startAll();
            long before = lastEvent(cluster.servers().ledger());
            for (TestReceiver receiver : receivers.values()) {
                addWebhook(cluster.web(), receiver.url());
            }

            cluster.underLoad(kills + " × SIGKILL of a worker that sends webhooks, and more", random, clients -> {
                for (int i = 0; i < kills; i++) {
                    clients.awaitAccepted(20 + random.nextInt(50));
                    cluster.workers().get(random.nextInt(2)).kill();
                    if (i == kills / 4 || i == kills * 3 / 4) {
                        cluster.servers().streams().redis(Command.FLUSHALL);
                    }
                    if (i == kills / 2) {
                        cluster.servers().crashPostgres();
                        cluster.servers().restartPostgres();
                    }
                    cluster.startAll();
                }
            });

            verify(cluster.servers().ledger(), before);
        } finally {
            direct.servers().ledger().execute("delete from webhook_endpoints");
            for (TestReceiver receiver : receivers.values()) {
                receiver.close();
            }
        }
    }

    private void addReceivers() throws Exception {
        for (String name : List.of(
                "steady",
                "another",
                "fails at first",
                "asks for time",
                "sends 10 GB",
                "closes early",
                "dead: hangs",
                "dead: status 500",
                "dead: redirects",
                "dead: gone")) {
            receivers.put(name, new TestReceiver());
        }
        receivers.put(
                "dead: wrong certificate",
                new TestReceiver(
                        TestReceiver.accepting(),
                        new HttpServerOptions()
                                .setSsl(true)
                                .setKeyCertOptions(TestCertificate.create(directory, "127.0.0.1"))));
        Set<String> failed = ConcurrentHashMap.newKeySet();
        receivers.get("fails at first").behave((event, response) -> {
            boolean fails = event.id().hashCode() % 7 == 0 && failed.add(event.id());
            response.setStatusCode(fails ? 500 : 204);
        });
        Set<String> delayed = ConcurrentHashMap.newKeySet();
        receivers.get("asks for time").behave((event, response) -> {
            // Seldom, since it gets nothing at all for a second each time.
            boolean delays = event.id().hashCode() % 200 == 0 && delayed.add(event.id());
            response.setStatusCode(delays ? 429 : 204).putHeader("Retry-After", "1");
        });
        receivers.get("sends 10 GB").behave((event, response) -> {
            response.setStatusCode(200).putHeader("Content-Length", Long.toString(10L << 30));
            writeForever(response);
        });
        Set<String> closed = ConcurrentHashMap.newKeySet();
        receivers.get("closes early").behave((event, response) -> {
            if (event.id().hashCode() % 11 == 0 && closed.add(event.id())) {
                response.reset();
            } else {
                // The status says that it was accepted.
                response.setStatusCode(200)
                        .putHeader("Content-Length", "1000")
                        .write("begun")
                        .onComplete(written -> response.reset());
            }
        });
        receivers.get("dead: gone").behave(TestReceiver.answering(410));
        receivers.get("dead: hangs").behave((event, response) -> {});
        receivers.get("dead: status 500").behave(TestReceiver.answering(500));
        receivers
                .get("dead: redirects")
                .behave((event, response) -> response.setStatusCode(307)
                        .putHeader("Location", receivers.get("steady").url()));
    }

    private static void writeForever(HttpServerResponse response) {
        while (!response.closed() && !response.writeQueueFull()) {
            response.write(CHUNK);
        }
        if (!response.closed()) {
            response.drainHandler(drained -> writeForever(response));
        }
    }

    private static void addWebhook(OmsProcess web, String url) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> created = client.send(
                    HttpRequest.newBuilder(web.uri("/webhooks"))
                            .header("Content-Type", "application/json")
                            .POST(BodyPublishers.ofString("{\"url\":\"" + url + "\"}"))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
        }
    }

    private static long lastEvent(Ledger ledger) {
        return Long.parseLong(
                ledger.texts("select coalesce(max(position), 0) from events").getFirst());
    }

    private void verify(Ledger ledger, long before) {
        List<String> expected = ledger.texts(
                "select subject || ' ' || subject_id || ' ' || version || ' ' || type from events where position > %d order by position"
                        .formatted(before));
        assertThat(expected).hasSizeGreaterThan(1_000);
        assertThat(receivers.get("dead: wrong certificate").received()).isEmpty();
        assertThat(ledger.texts("select url from webhook_endpoints where disabled_reason is not null"))
                .containsExactly(receivers.get("dead: gone").url());
        receivers.forEach((name, receiver) -> {
            if (name.startsWith("dead")) {
                return;
            }
            // The longest that a lease, a pause and a retry may take, and some more.
            await().alias(name)
                    .atMost(Duration.ofMinutes(6))
                    .pollInterval(Duration.ofMillis(500))
                    .untilAsserted(() -> assertThat(firstTimes(receiver)).containsAll(expected));
            Map<String, Long> versions = new HashMap<>();
            for (String event : firstTimes(receiver)) {
                String[] words = event.split(" ");
                long version = Long.parseLong(words[2]);
                assertThat(version)
                        .as("%s: %s", name, event)
                        .isGreaterThanOrEqualTo(versions.getOrDefault(words[0] + words[1], 0L));
                versions.put(words[0] + words[1], version);
            }
            System.out.printf(
                    "fault: webhook %s: %d events, %d accepted%n",
                    name,
                    expected.size(),
                    receiver.received().stream()
                            .filter(each -> each.status() / 100 == 2)
                            .count());
        });
    }

    /** What was accepted, without repetitions. */
    private static List<String> firstTimes(TestReceiver receiver) {
        Map<String, String> events = new LinkedHashMap<>();
        for (Received each : receiver.received()) {
            if (each.status() / 100 == 2) {
                events.putIfAbsent(
                        each.id(),
                        each.event().getString("subject") + " " + each.subjectId() + " " + each.version() + " "
                                + each.type());
            }
        }
        return new ArrayList<>(events.values());
    }
}
