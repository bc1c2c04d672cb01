package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.process.Child;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.StreamResetException;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What {@link HostileBodyTest} tests in HTTP/1.1, and what only HTTP/2 has: streams, frames, bodies of unknown length.
 */
@QuarkusTest
@WithTestResource(OmsServers.class)
class Http2BodyTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    /** More than any limit, and than the window in which a client may send before the server reads: 64 KiB. */
    private static final Buffer TOO_LARGE = Buffer.buffer(" ".repeat(1 << 20));

    // RFC 9113 §6.1, §6.2
    private static final int DATA_FRAME = 0;
    private static final int HEADERS_FRAME = 1;
    private static final int END_STREAM_AND_HEADERS = 0x5;

    @Inject
    BodyMemory memory;

    @Inject
    Vertx vertx;

    private HttpClient client;

    private record Answer(int status, String body) {}

    @BeforeEach
    void setUp() {
        await().atMost(TIMEOUT).until(() -> memory.inUse() == 0);
        client = vertx.createHttpClient(
                new HttpClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false));
    }

    @AfterEach
    void tearDown() {
        client.close();
        await().atMost(TIMEOUT).until(() -> memory.inUse() == 0);
    }

    private Answer post(String path, Function<HttpClientRequest, Future<HttpClientResponse>> send) {
        Promise<Answer> answer = Promise.promise();
        // On an event loop: on this thread, a body may have been received before it is asked for.
        vertx.runOnContext(start -> request(path)
                .compose(send)
                .compose(response -> response.body().map(body -> new Answer(response.statusCode(), body.toString())))
                .onComplete(answer));
        return join(answer.future());
    }

    private Future<HttpClientRequest> request(String path) {
        return request(HttpMethod.POST, path).map(request -> request.putHeader("Content-Type", "application/json"));
    }

    private Future<HttpClientRequest> request(HttpMethod method, String path) {
        return client.request(method, RestAssured.port, "localhost", path)
                .map(request -> request.putHeader("Authorization", authorization()));
    }

    /** The credentials of the next request; it needs none. */
    String authorization() {
        return "";
    }

    private static <T> T join(Future<T> future) {
        return future.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(TIMEOUT.toSeconds(), TimeUnit.SECONDS)
                .join();
    }

    /** Chunked means without a {@code Content-Length} here. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void refusesATooLargeBodyWithAResponseNotAReset(boolean isChunked) {
        for (int i = 0; i < 20; i++) {
            Answer answer = post(
                    "/orders?user_id=1",
                    request -> request.setChunked(isChunked).send(TOO_LARGE));

            assertThat(answer.status()).isEqualTo(413);
            assertThat(answer.body()).contains("\"status\":413", " bytes");
        }
    }

    /** It loses a response that a reset follows at once. */
    @Test
    @EnabledIf(value = "isCurlInstalled", disabledReason = "There is no curl on the PATH")
    void showsCurlTheProblem(@TempDir Path directory) throws IOException, InterruptedException {
        Path body = Files.write(directory.resolve("body"), TOO_LARGE.getBytes());
        for (int i = 0; i < 20; i++) {
            Process curl = new ProcessBuilder(
                            "curl",
                            "-sS",
                            "--http2-prior-knowledge",
                            "-HContent-Type: application/json",
                            "-HAuthorization: " + authorization(),
                            "--data-binary",
                            "@" + body,
                            "http://localhost:%d/orders?user_id=1".formatted(RestAssured.port))
                    .redirectErrorStream(true)
                    .start();

            assertThat(new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .contains("\"status\":413", " bytes");
            assertThat(curl.waitFor()).isZero();
        }
    }

    static boolean isCurlInstalled() {
        return Child.find("curl").isPresent();
    }

    @Test
    void resetsTheStreamOfABodyThatDoesNotEnd() {
        Promise<Void> reset = Promise.promise();

        Answer answer = post("/orders?user_id=1", request -> {
            request.exceptionHandler(reset::tryFail);
            request.putHeader("Content-Length", "1000000").write("{");
            return request.response();
        });

        assertThat(answer.status()).isEqualTo(413);
        assertThat(catchThrowable(() -> join(reset.future())))
                .rootCause()
                .isInstanceOfSatisfying(
                        StreamResetException.class,
                        // NO_ERROR
                        exception -> assertThat(exception.getCode()).isZero());
    }

    @Test
    void collectsABodyOfUnknownLength() {
        String name = Shop.uniqueName();
        Shop.item(name, 10, 0);
        String order = "{\"items\":{\"%s\":1}}".formatted(name);
        String path = "/orders?user_id=" + Shop.user();

        Answer inOnePart = post(path, request -> request.setChunked(true).send(order));
        Answer inParts = post(path, request -> {
            request.setChunked(true);
            order.chars().forEach(each -> request.write(Character.toString(each)));
            return request.send();
        });
        Answer withEmptyParts = post(
                path,
                request -> request.setChunked(true).sendHead().compose(sent -> {
                    request.writeCustomFrame(DATA_FRAME, 0, Buffer.buffer());
                    request.write(order);
                    request.writeCustomFrame(DATA_FRAME, 0, Buffer.buffer());
                    return request.send();
                }));

        assertThat(inOnePart.status()).isEqualTo(201);
        assertThat(inParts.status()).isEqualTo(201);
        assertThat(withEmptyParts.status()).isEqualTo(201);
    }

    /** An empty frame ends it, not its headers. */
    @Test
    void acceptsAnEmptyBodyOfUnknownLength() {
        String name = Shop.uniqueName();
        Shop.item(name, 10, 0);
        long order = Shop.order(Shop.user(), Map.of(name, 1));

        Answer answer = post(
                "/orders/%d/cancel".formatted(order),
                request -> request.setChunked(true).sendHead().compose(sent -> request.send()));

        assertThat(answer.status()).isEqualTo(200);
    }

    /** Trailers that are there with the last part are seen in time, later ones are not. */
    @Test
    void needsALengthBeforeTrailers() {
        // RFC 7541 §6.2.2: a field "x: y" that is not indexed
        Buffer trailer = Buffer.buffer(new byte[] {0, 1, 'x', 1, 'y'});
        HttpClientRequest request = join(request("/users"));
        request.setChunked(true).write("{}");
        await().atMost(TIMEOUT).until(() -> memory.inUse() == 2);

        request.writeCustomFrame(HEADERS_FRAME, END_STREAM_AND_HEADERS, trailer);

        HttpClientResponse response = join(request.response());
        assertThat(response.statusCode()).isEqualTo(411);
    }

    @Test
    void releasesTheMemoryOfABodyThatBeginsWithAnEmptyFrame() {
        Answer answer = post(
                "/users",
                request -> request.putHeader("Content-Length", "2")
                        .sendHead()
                        .compose(sent -> request.writeCustomFrame(DATA_FRAME, 0, Buffer.buffer())
                                .send("{}")));

        // tearDown waits for the memory.
        assertThat(answer.status()).isEqualTo(422);
    }

    @Test
    void forgetsTheBodyOfAClientThatResetsItsStream() {
        HttpClientRequest request = join(request("/orders"));
        request.setChunked(true).write(" ".repeat(1_000));
        await().atMost(TIMEOUT).until(() -> memory.inUse() == 1_000);

        request.reset();

        await().atMost(TIMEOUT).until(() -> memory.inUse() == 0);
    }

    /** The head of a response is written while the event loop looks whether its client receives it. */
    @Test
    void answersManyCallsOfAConnectionAtATime() {
        String name = Shop.uniqueName();
        Shop.item(name, 1_000, 0);
        long user = Shop.user();
        for (int i = 0; i < 100; i++) {
            Shop.order(user, Map.of(name, 1));
        }

        for (int round = 0; round < 40; round++) {
            List<Future<Integer>> statuses = IntStream.range(0, 50)
                    .mapToObj(i -> request(HttpMethod.GET, "/orders?limit=100")
                            .compose(HttpClientRequest::send)
                            .map(HttpClientResponse::statusCode))
                    .toList();

            assertThat(statuses).allSatisfy(status -> assertThat(join(status)).isEqualTo(200));
        }
    }
}
