package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every refusal is a problem, also those of the HTTP server, which alone would have no body. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class RefusalsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Inject
    Vertx vertx;

    private record Answer(int status, String type, String allow, String acceptEncoding, String body) {}

    private static Answer http1(String method, String uri, Map<String, String> headers, String body)
            throws IOException {
        StringBuilder request = new StringBuilder("%s %s HTTP/1.1\r\nHost: localhost\r\n".formatted(method, uri));
        headers.forEach((name, value) -> request.append("%s: %s\r\n".formatted(name, value)));
        if (!body.isEmpty()) {
            request.append("Content-Length: %d\r\n".formatted(body.length()));
        }
        RawHttp.Response response = RawHttp.exchange(
                RestAssured.port,
                request.append("\r\n").append(body).toString().getBytes(StandardCharsets.ISO_8859_1),
                false,
                Duration.ofSeconds(10));
        return new Answer(
                response.status(),
                response.header("Content-Type"),
                response.header("Allow"),
                response.header("Accept-Encoding"),
                response.text());
    }

    private Answer http2(String method, String uri, Map<String, String> headers, String body) {
        HttpClient client = vertx.createHttpClient(
                new HttpClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false));
        Promise<Answer> answer = Promise.promise();
        try {
            // On an event loop: on this thread, a body may have been received before it is asked for.
            vertx.runOnContext(start -> client.request(HttpMethod.valueOf(method), RestAssured.port, "localhost", uri)
                    .compose(call -> {
                        headers.forEach(call::putHeader);
                        return body.isEmpty() ? call.send() : call.send(body);
                    })
                    .compose(response -> response.body()
                            .map(received -> new Answer(
                                    response.statusCode(),
                                    response.getHeader("Content-Type"),
                                    response.getHeader("Allow"),
                                    response.getHeader("Accept-Encoding"),
                                    received.toString())))
                    .onComplete(answer));
            return answer.future()
                    .toCompletionStage()
                    .toCompletableFuture()
                    .orTimeout(20, TimeUnit.SECONDS)
                    .join();
        } finally {
            client.close();
        }
    }

    private static void isProblem(Answer answer, int status) throws IOException {
        assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
        assertThat(answer.type()).isEqualTo("application/problem+json");
        JsonNode problem = JSON.readTree(answer.body());
        assertThat(problem.path("status").asInt()).isEqualTo(status);
        assertThat(problem.path("detail").asText())
                .isNotEmpty()
                .isEqualTo(problem.path("error").asText());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/orders/%zz",
                "/orders/%",
                "/orders/%e",
                "/%zz",
                "/console/%zz",
                "/q/%zz",
                "/orders?status=%zz",
                "/orders?%zz=1",
                "/orders?x={a}",
                "/orders/{1}",
                "/orders/1|2",
                "/orders?x=^",
                "/orders?x=\"",
                "/orders?x=\\a",
                "/orders?x=`",
                "/orders?x=[",
                "/orders/%FF",
                "/orders?status=%FF",
                "/orders?status=%C0%AF",
                "/orders/1%00",
                // Whole numbers, but not ids: one order would have many addresses.
                "/orders/+1",
                "/orders/01",
                "/orders/-0",
                "/orders/1%20",
                "/orders/%31%2B",
                "/orders/%D9%A1",
                "/orders/%EF%BC%91",
                "/inventory_items/01",
                "/inventory_items/%E0%A5%A7/movements",
                "/users/+1",
                "/users/01/orders",
                "/orders?user_id=01",
                "/orders?after=01",
                "/orders?limit=%2B1",
                "/orders?limit=%D9%A1"
            })
    void badUris(String uri) throws IOException {
        isProblem(http1("GET", uri, Map.of(), ""), 400);
        isProblem(http2("GET", uri, Map.of(), ""), 400);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/orders;status=Pending", "/orders/1;x=1", "/orders;/1", "/nothing", "/q/nothing", "/up/x"})
    void nothingThere(String uri) throws IOException {
        isProblem(http1("GET", uri, Map.of(), ""), 404);
        isProblem(http2("GET", uri, Map.of(), ""), 404);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            FOO     | /orders         | 405 | GET, HEAD, OPTIONS, POST
            get     | /orders         | 405 | GET, HEAD, OPTIONS, POST
            TRACE   | /orders/1       | 405 | GET, HEAD, OPTIONS
            DELETE  | /orders/1       | 405 | GET, HEAD, OPTIONS
            POST    | /flow           | 405 | GET, HEAD, OPTIONS
            POST    | /up             | 405 | GET, HEAD
            POST    | /console/       | 405 | GET, HEAD
            POST    | /q/openapi      | 405 | GET, HEAD
            OPTIONS | /q/openapi      | 405 | GET, HEAD
            OPTIONS | /nothing        | 404 |
            """)
    void otherMethods(String method, String uri, int status, String allow) throws IOException {
        for (Answer answer : new Answer[] {http1(method, uri, Map.of(), ""), http2(method, uri, Map.of(), "")}) {
            isProblem(answer, status);
            assertThat(answer.allow() == null ? "" : answer.allow()).isEqualTo(allow == null ? "" : allow);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"OPTIONS *", "GET orders", "GET *", "CONNECT localhost:80"})
    void targetsThatAreNoPath(String head) throws IOException {
        String[] parts = head.split(" ");

        isProblem(http1(parts[0], parts[1], Map.of(), ""), 404);
    }

    @Test
    void twoHosts() throws IOException {
        isProblem(http1("GET", "/orders", Map.of("Host", "localhost"), ""), 400);
    }

    /** What is not HTTP: Vert.x refuses it before anybody can see it, on the port for health checks too. */
    @ParameterizedTest
    @CsvSource({
        "400, GET /orders/1 2 HTTP/1.1",
        "400, nonsense",
        "400, GET /orders HTTP/1.1|a b: c",
        "400, GET /orders HTTP/1.1|nonsense",
        "400, GET /orders HTTP/1.1|a: b\0c",
        "400, POST /orders HTTP/1.1|Content-Length: x",
        "400, POST /orders HTTP/1.1|Content-Length: -1",
        "400, POST /orders HTTP/1.1|Content-Length: +2",
        "400, POST /orders HTTP/1.1|Content-Length: 99999999999999999999",
        "400, POST /orders HTTP/1.1|Content-Length: 2|Content-Length: 3",
        "414, GET /LONG HTTP/1.1",
        "431, GET /orders HTTP/1.1|a: LONG"
    })
    void unreadable(int status, String head) throws IOException {
        String request = head.replace("LONG", "x".repeat(70_000))
                .replaceFirst("\\|", "\r\nHost: localhost\r\n")
                .replace("|", "\r\n");

        for (int port : new int[] {RestAssured.port, OmsServers.managementPort()}) {
            RawHttp.Response response = RawHttp.exchange(
                    port, (request + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1), false, Duration.ofSeconds(10));

            isProblem(new Answer(response.status(), response.header("Content-Type"), "", "", response.text()), status);
            assertThat(response.header("X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat(response.header("Connection")).isEqualTo("close");
        }
    }

    /** A connection that is closed while its client sends is reset, which may destroy the answer: RFC 9112 §9.6. */
    @ParameterizedTest
    @CsvSource({"414, 'GET /'", "431, 'GET / HTTP/1.1|a: '"})
    void whatFollowsAnUnreadableHeadIsDiscarded(int status, String head) {
        byte[] block = "x".repeat(70_000).getBytes(StandardCharsets.ISO_8859_1);
        // A slow machine gets another try: what is sent is discarded for a second only.
        await().atMost(Duration.ofSeconds(30))
                .ignoreException(SocketException.class)
                .untilAsserted(() -> {
                    try (Socket client = new Socket("localhost", RestAssured.port)) {
                        client.getOutputStream().write(head.replace("|", "\r\n").getBytes(StandardCharsets.ISO_8859_1));
                        client.getOutputStream().write(block);
                        assertThat(client.getInputStream().read()).isEqualTo('H');
                        for (int i = 0; i < 5; i++) {
                            client.getOutputStream().write(block);
                            Thread.sleep(20);
                        }
                        assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                                .contains("\"status\":%d,".formatted(status));
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "x-gzip", "br", "deflate", "zstd", "identity, gzip", "nonsense"})
    void encodedBodies(String coding) throws IOException {
        Map<String, String> headers = Map.of("Content-Type", "application/json", "Content-Encoding", coding);
        String name = Shop.uniqueName();
        String body = "{\"name\":\"%s\",\"quantity\":1,\"threshold\":0}".formatted(name);

        Answer answer = http1("POST", "/inventory_items", headers, body);
        Answer http2 = http2("POST", "/inventory_items", headers, body);

        isProblem(answer, 415);
        assertThat(answer.acceptEncoding()).isEqualTo("identity");
        isProblem(http2, 415);
        assertThat(http2.acceptEncoding()).isEqualTo("identity");
        assertThat(OmsServers.ledger().count("inventory_items where name = '%s'".formatted(name)))
                .isZero();
        // It says nothing about what is sent.
        assertThat(http1("GET", "/orders?limit=1", Map.of("Content-Encoding", coding), "")
                        .status())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"identity", "Identity"})
    void bodiesThatAreNotEncoded(String coding) throws IOException {
        Map<String, String> headers = Map.of("Content-Type", "application/json", "Content-Encoding", coding);

        assertThat(http1("POST", "/inventory_items", headers, "{}").status()).isEqualTo(422);
        assertThat(http2("POST", "/inventory_items", headers, "{}").status()).isEqualTo(422);
    }

    /** The end of such a body is not known, so what follows would be taken for the next request. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gzip, chunked | 501
            gzip          | 400
            chunked, gzip | 400
            chunked, chunked | 400
            nonsense      | 400
            identity      | 400
            ''            | 400
            """)
    void otherTransferCodings(String coding, int status) throws IOException {
        Map<String, String> headers = Map.of("Content-Type", "application/json", "Transfer-Encoding", coding);

        isProblem(http1("POST", "/inventory_items", headers, ""), status);
        // Several headers are one list.
        String[] lines = coding.split(", ");
        if (lines.length > 1) {
            headers = Map.of("Transfer-Encoding", lines[0] + "\r\nTransfer-Encoding: " + lines[1]);
            isProblem(http1("POST", "/inventory_items", headers, ""), status);
        }
    }
}
