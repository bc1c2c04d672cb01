package dev.oms.webhook;

import static dev.oms.webhook.RawReceiver.answering;
import static org.assertj.core.api.Assertions.assertThat;

import com.standardwebhooks.Webhook;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PfxOptions;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What receivers do, and whom they are asked to be. */
@Timeout(120)
class PostWebhookTest {
    private static final String OK = "HTTP/1.1 204 No Content\r\n\r\n";
    private static final String BODY = "{\"type\":\"order.placed\"}";
    private static final Vertx VERTX = Vertx.vertx();

    @TempDir
    private static Path directory;

    @AfterAll
    static void stop() {
        VERTX.close();
    }

    private static PostWebhook client(Duration timeout) {
        return new PostWebhook(VERTX, Clock.systemUTC(), "1.0", new HttpClientOptions(), timeout);
    }

    private static Outcome post(PostWebhook client, String url, String... addresses) throws Exception {
        List<InetAddress> list =
                Stream.of(addresses).map(InetAddress::ofLiteral).toList();
        return await(client.post(WebhookUrl.parse(url), list, Map.of("webhook-id", "evt_1"), Buffer.buffer(BODY)));
    }

    private static Outcome await(Future<Outcome> outcome) throws Exception {
        return outcome.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }

    private static Outcome post(RawReceiver receiver) throws Exception {
        return post(receiver, Duration.ofSeconds(60));
    }

    private static Outcome post(RawReceiver receiver, Duration timeout) throws Exception {
        return post(client(timeout), "http://receiver.test:" + receiver.port() + "/hook?a=b", "127.0.0.1");
    }

    @Test
    void postsToTheAddressInTheNameOfTheHost() throws Exception {
        try (RawReceiver receiver = new RawReceiver(answering(OK))) {
            Outcome outcome = post(receiver);

            assertThat(outcome.isSuccess()).isTrue();
            assertThat(outcome.status()).isEqualTo(204);
            assertThat(outcome.response()).isNull();
            assertThat(receiver.requests())
                    .singleElement()
                    .satisfies(request -> assertThat(request.lines())
                            .containsExactlyInAnyOrder(
                                    "POST /hook?a=b HTTP/1.1",
                                    "User-Agent: OMS/1.0",
                                    "Content-Type: application/json",
                                    "webhook-id: evt_1",
                                    "host: receiver.test:" + receiver.port(),
                                    "content-length: " + BODY.length(),
                                    "",
                                    BODY));
        }
    }

    @Test
    void namesAnIpv6HostInBrackets() throws Exception {
        try (RawReceiver receiver = new RawReceiver(answering(OK))) {
            post(client(Duration.ofSeconds(60)), "http://[::1]:" + receiver.port(), "127.0.0.1");

            assertThat(receiver.requests().getFirst()).contains("host: [0:0:0:0:0:0:0:1]:" + receiver.port());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "200, true",
        "201, true",
        "299, true",
        "300, false",
        "304, false",
        "400, false",
        "410, false",
        "503, false"
    })
    void theStatusDecides(int status, boolean isSuccess) throws Exception {
        try (RawReceiver receiver = new RawReceiver(
                answering("HTTP/1.1 " + status + " X\r\nContent-Length: 6\r\nRetry-After: 7\r\n\r\nsorry\0"))) {
            Outcome outcome = post(receiver);

            assertThat(outcome.isSuccess()).isEqualTo(isSuccess);
            assertThat(outcome.status()).isEqualTo(status);
            assertThat(outcome.isGone()).isEqualTo(status == 410);
            if (!isSuccess) {
                assertThat(outcome.reason()).isEqualTo("status " + status);
                // A 304 has no body.
                assertThat(outcome.response()).isEqualTo(status == 304 ? null : "sorry ");
                assertThat(outcome.retryAfter()).isEqualTo(Duration.ofSeconds(7));
            }
        }
    }

    @Test
    void followsNoRedirect() throws Exception {
        try (RawReceiver other = new RawReceiver(answering(OK));
                RawReceiver receiver =
                        new RawReceiver(answering("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:"
                                + other.port() + "/\r\nContent-Length: 0\r\n\r\n"))) {
            Outcome outcome = post(receiver);

            assertThat(outcome.reason()).isEqualTo("status 307");
            assertThat(other.requests()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"200, ", "500, status 500"})
    void readsTheBeginningOfAnEndlessAnswerOnly(int status, String reason) throws Exception {
        AtomicLong written = new AtomicLong();
        RawReceiver.Behaviour endless = (connection, out) -> {
            out.write(("HTTP/1.1 " + status + " X\r\nContent-Length: 10000000000\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
            byte[] much = "x".repeat(65_536).getBytes(StandardCharsets.UTF_8);
            while (written.addAndGet(much.length) < 10_000_000_000L) {
                out.write(much);
            }
        };
        try (RawReceiver receiver = new RawReceiver(endless)) {
            Outcome outcome = post(receiver);

            assertThat(outcome.reason()).isEqualTo(reason);
            assertThat(outcome.response()).isEqualTo(reason == null ? null : "x".repeat(1_000));
            // What the sockets' buffers hold.
            assertThat(written).hasValueLessThan(100_000_000);
        }
    }

    @Test
    void readsNoEndlessHeaders() throws Exception {
        RawReceiver.Behaviour endless = (connection, out) -> {
            out.write("HTTP/1.1 200 OK\r\n".getBytes(StandardCharsets.UTF_8));
            while (true) {
                out.write("X-Header: and so on\r\n".getBytes(StandardCharsets.UTF_8));
            }
        };
        try (RawReceiver receiver = new RawReceiver(endless)) {
            assertThat(post(receiver).reason()).isEqualTo("no valid HTTP");
        }
    }

    @Test
    void doesNotWaitForAnAnswerThatDoesNotEnd() throws Exception {
        RawReceiver.Behaviour provisional = (connection, out) -> {
            while (true) {
                out.write("HTTP/1.1 103 Early Hints\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                Thread.sleep(10);
            }
        };
        try (RawReceiver receiver = new RawReceiver(provisional)) {
            assertThat(post(receiver, Duration.ofSeconds(1)).reason()).isEqualTo("no answer in time");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nX: y"})
    void doesNotWaitForAnAnswerThatHangs(String beginning) throws Exception {
        try (RawReceiver receiver = new RawReceiver(answering(beginning))) {
            assertThat(post(receiver, Duration.ofSeconds(1)).reason()).isEqualTo("no answer in time");
        }
    }

    @ParameterizedTest
    @CsvSource({"200, ", "503, status 503"})
    void doesNotWaitForABodyThatDrips(int status, String reason) throws Exception {
        RawReceiver.Behaviour dripping = (connection, out) -> {
            out.write(("HTTP/1.1 " + status + " X\r\nContent-Length: 10000\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            while (true) {
                out.write('x');
                Thread.sleep(10);
            }
        };
        try (RawReceiver receiver = new RawReceiver(dripping)) {
            assertThat(post(receiver, Duration.ofSeconds(5)).reason()).isEqualTo(reason);
        }
    }

    /** Once more, over a new connection, because the first may have been closed before the request came. */
    @Test
    void repeatsOnceWhatMeetsTheEndOfItsConnection() throws Exception {
        try (RawReceiver receiver = new RawReceiver((connection, out) -> connection.close())) {
            Outcome outcome = post(receiver);

            assertThat(outcome.reason()).isEqualTo("connection closed");
            assertThat(receiver.requests()).hasSize(2).allMatch(request -> request.contains("webhook-id: evt_1"));
        }
    }

    @Test
    void aConnectionThatTheReceiverHasClosedCostsNoAttempt() throws Exception {
        RawReceiver.Behaviour closing = (connection, out) -> {
            out.write(OK.getBytes(StandardCharsets.UTF_8));
            connection.shutdownOutput();
        };
        try (RawReceiver receiver = new RawReceiver(closing)) {
            PostWebhook client = client(Duration.ofSeconds(60));
            for (int i = 0; i < 20; i++) {
                assertThat(post(client, "http://receiver.test:" + receiver.port(), "127.0.0.1")
                                .isSuccess())
                        .isTrue();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"200, ", "500, status 500"})
    void aBodyMayEndEarly(int status, String reason) throws Exception {
        RawReceiver.Behaviour closing = (connection, out) -> {
            out.write(("HTTP/1.1 " + status + " X\r\nContent-Length: 10\r\n\r\nhalf").getBytes(StandardCharsets.UTF_8));
            connection.close();
        };
        try (RawReceiver receiver = new RawReceiver(closing)) {
            Outcome outcome = post(receiver);

            assertThat(outcome.status()).isEqualTo(status);
            assertThat(outcome.reason()).isEqualTo(reason);
            assertThat(receiver.requests()).hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"220 mail.example.com ESMTP\r\n", "HTTP/9 200\r\n\r\n", "\u0016\u0003\u0001\r\n\r\n"})
    void understandsNothingButHttp(String answer) throws Exception {
        try (RawReceiver receiver = new RawReceiver(answering(answer))) {
            assertThat(post(receiver, Duration.ofSeconds(2)).reason()).isIn("no valid HTTP", "no answer in time");
        }
    }

    @Test
    void triesTheAddressesInTurn() throws Exception {
        try (RawReceiver receiver = new RawReceiver(answering(OK))) {
            String url = "http://receiver.test:" + receiver.port();

            Outcome outcome = post(client(Duration.ofSeconds(60)), url, "127.0.0.2", "127.0.0.3", "127.0.0.1");
            Outcome failure = post(client(Duration.ofSeconds(60)), url, "127.0.0.2", "127.0.0.3");

            assertThat(outcome.isSuccess()).isTrue();
            assertThat(failure.reason()).isEqualTo("connection refused");
        }
    }

    /** Otherwise what one receiver sends too much could be taken for the answer of another behind the same host. */
    @Test
    void usesAConnectionForOneUrlOnly() throws Exception {
        try (RawReceiver receiver = new RawReceiver(answering(OK))) {
            PostWebhook client = client(Duration.ofSeconds(60));
            String origin = "http://receiver.test:" + receiver.port();

            for (String path : List.of("/one", "/other", "/one", "/other")) {
                assertThat(post(client, origin + path, "127.0.0.1").isSuccess()).isTrue();
            }

            assertThat(receiver.connections()).isEqualTo(2);
        }
    }

    @Test
    void keepsConnectionsAndNoCookies() throws Exception {
        try (RawReceiver receiver =
                new RawReceiver(answering("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"))) {
            PostWebhook client = client(Duration.ofSeconds(60));
            for (int i = 0; i < 50; i++) {
                post(client, "http://receiver.test:" + receiver.port(), "127.0.0.1");
            }

            // The outcome is known an instant before the connection is free.
            assertThat(receiver.connections()).isLessThan(10);
            assertThat(receiver.requests()).hasSize(50).noneMatch(request -> request.contains("ookie"));
        }
    }

    // --- TLS ---

    /** For the name in the URL, although the connection is to an address. */
    @ParameterizedTest
    @CsvSource({
        "receiver.test, true, ",
        "other.test, true, certificate not trusted",
        "receiver.test, false, certificate not trusted"
    })
    void verifiesTheCertificate(String name, boolean isTrusted, String reason) throws Exception {
        PfxOptions certificate = TestCertificate.create(directory, name);
        PfxOptions trusted = isTrusted ? certificate : TestCertificate.create(directory, name);
        List<String> indicated = new CopyOnWriteArrayList<>();
        HttpServer server = VERTX.createHttpServer(
                        new HttpServerOptions().setSsl(true).setSni(true).setKeyCertOptions(certificate))
                .requestHandler(request -> {
                    indicated.add(request.connection().indicatedServerName() + " "
                            + request.authority().host());
                    request.response().end();
                })
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get();
        HttpClientOptions options = new HttpClientOptions().setTrustOptions(trusted);

        Outcome outcome = post(
                new PostWebhook(VERTX, Clock.systemUTC(), "1.0", options, Duration.ofSeconds(60)),
                "https://receiver.test:" + server.actualPort(),
                "127.0.0.1");

        assertThat(outcome.reason()).isEqualTo(reason);
        assertThat(indicated).isEqualTo(reason == null ? List.of("receiver.test receiver.test") : List.of());
        server.close();
    }

    @Test
    void doesNotTakePlainHttpForTls() throws Exception {
        try (RawReceiver receiver = new RawReceiver("127.0.0.1", 0, answering(OK))) {
            Outcome outcome =
                    post(client(Duration.ofSeconds(3)), "https://receiver.test:" + receiver.port(), "127.0.0.1");

            assertThat(outcome.isSuccess()).isFalse();
            assertThat(receiver.requests()).isEmpty();
        }
    }

    // --- Addresses ---

    /** A name server whose answers change each time. */
    private static final class ChangingAnswers implements CheckAddresses.Resolver {
        private final List<String> answers;
        private final List<String> given = new ArrayList<>();

        ChangingAnswers(String... answers) {
            this.answers = List.of(answers);
        }

        @Override
        public synchronized InetAddress[] resolve(String host) throws UnknownHostException {
            if (given.size() == answers.size()) {
                throw new UnknownHostException();
            }
            given.add(answers.get(given.size()));
            return new InetAddress[] {InetAddress.ofLiteral(given.getLast())};
        }
    }

    private static SendMessage sender(String allowed, CheckAddresses.Resolver resolver) {
        return new SendMessage(
                client(Duration.ofSeconds(60)),
                new LookUpAddresses(new CheckAddresses(List.of(AddressRange.of(allowed)), resolver)),
                Clock.systemUTC());
    }

    private static Outcome send(SendMessage sender, int port, SigningSecret secret) throws Exception {
        return await(sender.send(
                WebhookUrl.parse("http://receiver.test:" + port),
                List.of(secret),
                "evt_1",
                BODY.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void connectsToTheAddressThatWasChecked() throws Exception {
        try (RawReceiver checked = new RawReceiver(answering(OK));
                RawReceiver other = new RawReceiver("127.0.0.2", checked.port(), answering(OK))) {
            ChangingAnswers names = new ChangingAnswers("127.0.0.1", "127.0.0.2");
            SendMessage sender = sender("127.0.0.1", names);
            for (int i = 0; i < 3; i++) {
                assertThat(send(sender, checked.port(), SigningSecret.create()).isSuccess())
                        .isTrue();
            }

            assertThat(names.given).containsExactly("127.0.0.1");
            assertThat(checked.requests()).hasSize(3);
            assertThat(other.connections()).isZero();
        }
    }

    @Test
    void checksEachAnswer() throws Exception {
        try (RawReceiver receiver = new RawReceiver(answering(OK))) {
            SendMessage sender = sender("127.0.0.1", new ChangingAnswers("127.0.0.2", "169.254.169.254", "127.0.0.1"));
            List<String> reasons = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                // Another name each time, because an answer is kept for a while.
                WebhookUrl url = WebhookUrl.parse("http://receiver" + i + ".test:" + receiver.port());
                reasons.add(await(sender.send(url, List.of(SigningSecret.create()), "evt_1", new byte[0]))
                        .reason());
            }

            assertThat(reasons).containsExactly("address not allowed", "address not allowed", null);
            assertThat(receiver.requests()).hasSize(1);
        }
    }

    @Test
    void saysThatTheHostIsUnknown() throws Exception {
        assertThat(send(sender("127.0.0.1", new ChangingAnswers()), 8080, SigningSecret.create())
                        .reason())
                .isEqualTo("unknown host");
    }

    /** Whatever fails, a dispatcher must go on with the other webhooks. */
    @Test
    void isNeverAFailedFuture() throws Exception {
        SendMessage withoutResolver = sender("127.0.0.1", host -> {
            throw new IllegalStateException("no resolver");
        });
        assertThat(send(withoutResolver, 8080, SigningSecret.create()).reason()).isEqualTo("failed within OMS");

        SendMessage sender = sender("127.0.0.1", new ChangingAnswers("127.0.0.1"));
        assertThat(send(sender, 8080, new SigningSecret("whsec_%")).reason()).isEqualTo("failed within OMS");
    }

    @Test
    void whatIsSentIsAcceptedByTheLibraryOfTheStandard() throws Exception {
        SigningSecret secret = SigningSecret.create();
        try (RawReceiver receiver = new RawReceiver(answering(OK))) {
            send(sender("127.0.0.1", new ChangingAnswers("127.0.0.1")), receiver.port(), secret);

            String[] request = receiver.requests().getFirst().split("\r\n\r\n", 2);
            Map<String, List<String>> headers = Pattern.compile("(webhook-[a-z]+): (.*)")
                    .matcher(request[0])
                    .results()
                    .collect(Collectors.toMap(header -> header.group(1), header -> List.of(header.group(2))));
            new Webhook(secret.value()).verify(request[1], headers);
        }
    }

    // --- Retry-After ---

    @ParameterizedTest
    @CsvSource({
        "0, PT0S",
        "120, PT2M",
        "999999999, PT277777H46M39S",
        "'Fri, 31 Dec 1999 23:59:59 GMT', PT59M59S",
        "'Fri, 31 Dec 1999 22:59:59 GMT', PT0S",
        "9999999999, ",
        "-1, ",
        "1.5, ",
        "soon, ",
        "2026-01-01T00:00:00Z, ",
        "'', "
    })
    void readsRetryAfter(String header, Duration expected) {
        Clock clock = Clock.fixed(Instant.parse("1999-12-31T23:00:00Z"), ZoneOffset.UTC);

        assertThat(PostWebhook.retryAfter(header, clock)).isEqualTo(expected);
    }
}
