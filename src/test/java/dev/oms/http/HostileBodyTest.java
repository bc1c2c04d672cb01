package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.http.ContentType;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies made to be expensive are rejected cheaply and leave nothing behind. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class HostileBodyTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    /** The longest name, in characters that JSON may escape to six bytes each. */
    private static final String LONGEST_NAME = "\u4e16".repeat(Texts.NAME_MAX - 3);

    @Inject
    BodyMemory memory;

    private ValidatableResponse place(String body) {
        return given().contentType(ContentType.JSON)
                .body(body)
                .post("/orders?user_id=" + Shop.user())
                .then();
    }

    private static String items(int count, IntFunction<String> item) {
        return IntStream.range(0, count).mapToObj(item).collect(Collectors.joining(",", "{\"items\":{", "}}"));
    }

    @Test
    void stopsReadingAtTheFirstItemTooMany() {
        String items = items(101, i -> "\"thing %d\":1".formatted(i));

        // What follows is not JSON, but nobody gets that far.
        place(items.replace("}}", "") + ",not JSON")
                .statusCode(422)
                .body("errors.size()", equalTo(1))
                .body("errors[0].field", equalTo("items"))
                .body("errors[0].message", equalTo("size must be between 1 and 100"));
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 5_000})
    void tellsAtMostTwentyErrors(int count) {
        place(items(count, i -> "\"thing %d\":-1".formatted(i)))
                .statusCode(422)
                .body("errors.size()", equalTo(count > 100 ? 1 : 20));
        place(items(count, i -> "\"no thing %d\":1".formatted(i)))
                .statusCode(422)
                .body("errors.size()", equalTo(count > 100 ? 1 : 20));
    }

    @Test
    void nestsFewLevels() {
        place("{\"order\":".repeat(30)).statusCode(400).body("detail", containsString("levels deep"));
    }

    @Test
    void stopsReadingUnknownFields() {
        // Jackson collects unknown fields until the end, which is not JSON here.
        place(items(5_000, i -> "\"f%d\":1".formatted(i))
                                .replace("{\"items\":", "")
                                .replace("}}", "") + ",not JSON")
                .statusCode(400)
                .body("detail", containsString("values and names"));
    }

    @Test
    void acceptsTheLargestOrder() {
        Map<String, Long> ids = IntStream.range(0, 100)
                .mapToObj(i -> "%s%03d".formatted(LONGEST_NAME, i))
                .collect(Collectors.toMap(name -> name, name -> Shop.item(name, 1_000_000_000, 0)));
        String escaped = ids.keySet().stream()
                .map(name -> name.chars()
                        .mapToObj("\\u%04x"::formatted)
                        .collect(Collectors.joining("", "        \"", "\": 1000000000")))
                .collect(Collectors.joining(",\n", "{\"order\": {\"items\": {\n", "}}}"));
        try {
            assertThat(escaped.length()).isGreaterThan(150_000);
            place(escaped).statusCode(201);
        } finally {
            ids.values().forEach(id -> given().delete("/inventory_items/" + id));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST /orders", "POST /inventory_items", "PUT /orders/1/update_status", "GET /orders/1"})
    void refusesADeclaredLengthBeforeTheBodyComes(String line) throws IOException {
        RawHttp.Response response = RawHttp.exchange(
                RestAssured.port,
                bytes(line + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Content-Length: 1000000\r\n\r\n{"),
                false,
                TIMEOUT);

        assertThat(response).isNotNull();
        assertThat(response.status()).isEqualTo(413);
        assertThat(response.header("Connection")).isEqualTo("close");
        assertThat(response.text()).contains("\"status\":413", " bytes");
    }

    @Test
    void hangsUpInsteadOfReadingOn() throws IOException {
        try (Socket socket = new Socket("localhost", RestAssured.port)) {
            socket.setSoTimeout((int) TIMEOUT.toMillis());
            socket.getOutputStream()
                    .write(bytes("POST /inventory_items HTTP/1.1\r\nHost: localhost\r\n"
                            + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n"
                            + " ".repeat(0x4000) + "\r\n"));

            String response = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);

            assertThat(response).startsWith("HTTP/1.1 413 ").containsIgnoringCase("connection: close");
        }
    }

    @Test
    void refusesABodyInTinyChunks() throws IOException {
        RawHttp.Response response = RawHttp.exchange(
                RestAssured.port,
                bytes("POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n" + "1\r\n \r\n".repeat(10_000)),
                false,
                TIMEOUT);

        assertThat(response.status()).isEqualTo(413);
        assertThat(response.text()).contains("chunks");
    }

    @Test
    void servesPipelinedBodies() throws IOException {
        String post = "POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 2\r\n\r\n{}";
        try (Socket socket = new Socket("localhost", RestAssured.port)) {
            socket.setSoTimeout((int) TIMEOUT.toMillis());
            socket.getOutputStream().write(bytes(post + post + post.replace("HTTP/1.1", "HTTP/1.0")));

            // The last one closes the connection.
            String responses = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);

            assertThat(responses.split("HTTP/1.[01] 422 ")).hasSize(4);
        }
    }

    @Test
    void continuesOnlyWhenTheLengthIsAccepted() throws IOException {
        String head = "POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Expect: 100-continue\r\nContent-Length: %d\r\n\r\n";
        try (Socket socket = new Socket("localhost", RestAssured.port)) {
            socket.setSoTimeout((int) TIMEOUT.toMillis());
            socket.getOutputStream().write(bytes(head.formatted(2)));
            byte[] interim = socket.getInputStream().readNBytes("HTTP/1.1 100".length());
            assertThat(interim).isEqualTo(bytes("HTTP/1.1 100"));
        }
        assertThat(RawHttp.exchange(RestAssured.port, bytes(head.formatted(1_000_000)), false, TIMEOUT)
                        .status())
                .isEqualTo(413);
    }

    @Test
    void collectsBodiesOfHttp2() throws IOException, InterruptedException {
        String name = Shop.uniqueName();
        Shop.item(name, 10, 0);
        String order = "{\"items\":{\"%s\":1}}".formatted(name);
        URI uri = URI.create("http://localhost:%d/orders?user_id=%d".formatted(RestAssured.port, Shop.user()));
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> upgraded =
                    client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
            HttpResponse<String> read = client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
            HttpResponse<String> placed =
                    client.send(post(uri, BodyPublishers.ofString(order)), BodyHandlers.ofString());
            HttpResponse<String> tooLarge =
                    client.send(post(uri, BodyPublishers.ofString(" ".repeat(200_000))), BodyHandlers.ofString());
            HttpResponse<String> withoutLength = client.send(
                    post(uri, BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes(order)))),
                    BodyHandlers.ofString());
            HttpResponse<String> cancelled = client.send(
                    post(
                            uri.resolve(placed.headers().firstValue("Location").orElseThrow() + "/cancel"),
                            BodyPublishers.noBody()),
                    BodyHandlers.ofString());

            assertThat(List.of(upgraded, read, placed, tooLarge, withoutLength, cancelled))
                    .allMatch(response -> response.version() == HttpClient.Version.HTTP_2)
                    .extracting(HttpResponse::statusCode)
                    .containsExactly(200, 200, 201, 413, 201, 200);
        }
    }

    private static HttpRequest post(URI uri, HttpRequest.BodyPublisher body) {
        return HttpRequest.newBuilder(uri)
                .header("Content-Type", "application/json")
                .POST(body)
                .build();
    }

    @Test
    void forgetsTheBodiesOfClientsThatHangUp() throws IOException {
        List<Socket> clients = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Socket client = new Socket("localhost", RestAssured.port);
            clients.add(client);
            client.getOutputStream()
                    .write(bytes("POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            + "Content-Length: 1000\r\n\r\n{\"items\""));
        }
        await().atMost(TIMEOUT).until(() -> memory.inUse() >= 800);

        for (Socket client : clients) {
            client.close();
        }

        await().atMost(TIMEOUT).until(() -> memory.inUse() == 0);
        place("{\"items\":{}}").statusCode(422);
        await().atMost(TIMEOUT).until(() -> memory.inUse() == 0);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
