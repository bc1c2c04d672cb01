package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The receivers in webhooks.md accept what OMS sends, once, and nothing else. */
@Timeout(180)
class WebhooksPageTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final String BODY = "{\"type\":\"order.placed\",\"actor\":\"Käthe\"}";

    private final PostWebhook post =
            new PostWebhook(VERTX, Clock.systemUTC(), "1.0", new HttpClientOptions(), Duration.ofSeconds(60));
    private final SigningSecret secret = SigningSecret.create();

    @TempDir
    Path directory;

    private int port;

    @AfterAll
    static void stop() {
        VERTX.close();
    }

    @Test
    void java() throws Exception {
        verify(
                "java",
                "Receiver.java",
                Path.of(System.getProperty("java.home"), "bin", "java").toString());
    }

    @Test
    void javaScript() throws Exception {
        assumeTrue(Child.find("node").isPresent(), "There is no node on the PATH.");

        verify("javascript", "receiver.mjs", "node");
    }

    @Test
    void python() throws Exception {
        assumeTrue(Child.find("python3").isPresent(), "There is no python3 on the PATH.");

        verify("python", "receiver.py", "python3");
    }

    @Test
    void ruby() throws Exception {
        assumeTrue(hasWebrick(), "There is no ruby with the gem webrick on the PATH.");

        verify("ruby", "receiver.rb", "ruby");
    }

    private boolean hasWebrick() throws Exception {
        if (Child.find("ruby").isEmpty()) {
            return false;
        }
        Path log = directory.resolve("webrick.log");
        Process ruby = new ProcessBuilder("ruby", "-e", "require 'webrick'")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        return ruby.waitFor() == 0;
    }

    private void verify(String language, String file, String program) throws Exception {
        Path source = Files.writeString(directory.resolve(file), codeIn(language));
        port = OmsProcess.freePort();
        Path log = directory.resolve(language + ".log");
        try (Child receiver = Child.start(
                log,
                Map.of("WEBHOOK_SECRET", secret.value()),
                List.of(program, source.toString(), Integer.toString(port)))) {
            awaitUp(receiver);
            Instant now = Instant.now();
            SigningSecret other = SigningSecret.create();

            assertThat(send("evt_1", now, List.of(secret), BODY)).as("signed").isEqualTo(204);
            assertThat(send("evt_1", now, List.of(secret), BODY)).as("repeated").isEqualTo(204);
            assertThat(send("evt_2", now, List.of(other, secret), BODY))
                    .as("rotated")
                    .isEqualTo(204);
            assertThat(send("evt_3", now, List.of(other), BODY))
                    .as("another secret")
                    .isEqualTo(401);
            assertThat(send("evt_3", now.minusSeconds(600), List.of(secret), BODY))
                    .as("old")
                    .isEqualTo(401);
            assertThat(send("evt_3", now.plusSeconds(600), List.of(secret), BODY))
                    .as("from the future")
                    .isEqualTo(401);
            assertThat(status(Map.of("webhook-id", "evt_3"))).as("unsigned").isEqualTo(401);
            for (String malformed : List.of("soon", "9".repeat(400), "1.5")) {
                assertThat(status(Map.of(
                                "webhook-id", "evt_3", "webhook-timestamp", malformed, "webhook-signature", "v1,x")))
                        .as("malformed")
                        .isEqualTo(401);
            }
            assertThat(sendSideBySide(now)).containsOnly(204);

            assertThat(Files.readAllLines(log).stream().filter(BODY::equals)).hasSize(2 + 32);
        }
    }

    /** Each of 32 events, twice. */
    private List<Integer> sendSideBySide(Instant now) {
        List<CompletableFuture<Integer>> statuses = IntStream.range(0, 64)
                .mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return send("evt_side_" + i / 2, now, List.of(secret), BODY);
                            } catch (Exception e) {
                                throw new CompletionException(e);
                            }
                        },
                        Thread::startVirtualThread))
                .toList();
        return statuses.stream().map(CompletableFuture::join).toList();
    }

    private void awaitUp(Child receiver) {
        await().atMost(Duration.ofSeconds(90)).until(() -> {
            assertThat(receiver.isAlive()).as("see %s", receiver.log()).isTrue();
            return status(Map.of("webhook-id", "evt_0")) == 401;
        });
    }

    private int send(String id, Instant time, List<SigningSecret> secrets, String body) throws Exception {
        long timestamp = time.getEpochSecond();
        return status(Map.of(
                "webhook-id", id,
                "webhook-timestamp", Long.toString(timestamp),
                "webhook-signature", Signature.sign(secrets, id, timestamp, body.getBytes(StandardCharsets.UTF_8))));
    }

    /** Of the response; 0 without one. */
    private int status(Map<String, String> headers) throws Exception {
        Outcome outcome = post.post(
                        WebhookUrl.parse("http://localhost:" + port),
                        List.of(InetAddress.ofLiteral("127.0.0.1")),
                        headers,
                        Buffer.buffer(BODY))
                .toCompletionStage()
                .toCompletableFuture()
                .get(90, TimeUnit.SECONDS);
        return outcome.status() == null ? 0 : outcome.status();
    }

    private static String codeIn(String language) throws IOException {
        Matcher code = Pattern.compile("(?s)```" + language + "\n(.*?)```")
                .matcher(Files.readString(Path.of("src/site/markdown/webhooks.md")));
        assertThat(code.find()).isTrue();
        return code.group(1);
    }
}
