package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.agroal.api.AgroalDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import io.vertx.core.Vertx;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import jakarta.enterprise.inject.spi.CDI;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.logging.ConsoleHandler;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls beyond what can be served are rejected with 503, and can be retried. */
@Tag("full")
@QuarkusTest
@TestProfile(OverloadTest.Small.class)
@WithTestResource(OmsServers.class)
class OverloadTest {
    public static final class Small implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of(
                    "quarkus.datasource.jdbc.max-size", "3",
                    "oms.http.max-calls", "4",
                    "oms.http.max-waiting", "6",
                    "oms.job.consumer.every", "off",
                    "oms.job.reconciler.every", "off");
        }
    }

    @Test
    @DisabledOnIntegrationTest("Takes all the connections of the process")
    void answers503WhenNoConnectionIsAvailable() throws SQLException {
        long user = Shop.user();
        List<Connection> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(CDI.current().select(AgroalDataSource.class).get().getConnection());
        }

        try {
            given().get("/users/" + user)
                    .then()
                    .statusCode(503)
                    .contentType("application/problem+json")
                    .header("Retry-After", notNullValue());
        } finally {
            for (Connection connection : all) {
                connection.close();
            }
        }

        given().get("/users/" + user).then().statusCode(200);
    }

    /**
     * The readers keep their connections for lock_timeout (5 s). On a slow machine the order may come too late for
     * that.
     */
    @Test
    void readersThatHoldAllTheirConnectionsDoNotStopPlacing() {
        long user = Shop.user();
        String name = Shop.uniqueName();
        Shop.item(name, 10, 0);

        await().atMost(Duration.ofSeconds(120)).until(() -> placesWhileReadersHoldAllConnections(user, name));
    }

    private static boolean placesWhileReadersHoldAllConnections(long user, String item) throws SQLException {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                Connection blocker = OmsServers.ledger().connect()) {
            blocker.setAutoCommit(false);
            blocker.createStatement().execute("lock table failed_jobs in access exclusive mode");
            List<CompletableFuture<Integer>> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                readers.add(CompletableFuture.supplyAsync(
                        () -> given().get("/jobs/failed").statusCode(), threads));
            }
            await().until(() -> OmsServers.ledger().count("pg_stat_activity where wait_event_type = 'Lock'") == 3
                    || readers.stream().anyMatch(CompletableFuture::isDone));

            assertThat(Shop.order(user, Map.of(item, 1))).isPositive();

            boolean held = readers.stream().noneMatch(CompletableFuture::isDone);
            blocker.rollback();
            readers.forEach(CompletableFuture::join);
            return held;
        }
    }

    @Test
    void answers503AtOnceWhenTooManyCallsAreInProgress() throws SQLException {
        long user = Shop.user();
        String name = Shop.uniqueName();
        Shop.item(name, 10, 0);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                Connection blocker = OmsServers.ledger().connect()) {
            blocker.setAutoCommit(false);
            blocker.createStatement().execute("lock table orders in access exclusive mode");
            // Three calls wait for the table and one for a connection; a call that needs neither is rejected at once.
            List<CompletableFuture<Integer>> waiting = new ArrayList<>();
            await().atMost(Duration.ofSeconds(60)).until(() -> {
                waiting.add(CompletableFuture.supplyAsync(
                        () -> given().get("/orders?user_id=" + user).statusCode(), threads));
                return given().get("/nowhere").statusCode() == 503;
            });

            given().get("/nowhere")
                    .then()
                    .statusCode(503)
                    .contentType("application/problem+json")
                    .header("Retry-After", notNullValue())
                    .body("detail", containsString("Too many"));
            OmsServers.management().get("/q/health/live").then().statusCode(200);

            blocker.rollback();
            assertThat(waiting)
                    .allSatisfy(call -> assertThat(call.join()).isIn(200, 503))
                    .anySatisfy(call -> assertThat(call.join()).isEqualTo(200));
        }

        await().atMost(Duration.ofSeconds(60))
                .until(() -> given().get("/users/" + user).statusCode() == 200);
        // A packaged worker may settle it at once.
        assertThat(Shop.status(Shop.order(user, Map.of(name, 1)))).isIn("Pending", "Confirmed");
    }

    /** The process serves four calls at once, and lets six wait. */
    @Test
    void aWaitingCallTakesNoOthersPlace() {
        // Nothing is due, so that no worker changes it.
        long order = Long.parseLong(
                OmsServers.ledger().texts("""
                        insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                        values (%d, 'Rejected', now(), now(), now()) returning id""".formatted(Shop.user())).getFirst());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Response>> waiting = new ArrayList<>();
            for (int i = 1; i <= 6; i++) {
                waiting.add(CompletableFuture.supplyAsync(() -> awaitChange(order), threads));
                String gauge = "oms_calls_waiting " + i + ".0";
                await().atMost(Duration.ofSeconds(10))
                        .until(() -> OmsServers.management()
                                .get("/q/metrics")
                                .asString()
                                .contains(gauge));
            }

            given().get("/order_statuses").then().statusCode(200);
            awaitChange(order).then().statusCode(304).header("Preference-Applied", nullValue());
            Shop.cancel(order).then().statusCode(200);

            assertThat(waiting)
                    .allSatisfy(call -> call.join()
                            .then()
                            .statusCode(200)
                            .header("Preference-Applied", "wait=30")
                            .body("status", equalTo("Cancelled")));
        }
        // None is counted twice, and none is left.
        given().get("/order_statuses").then().statusCode(200);
    }

    private static Response awaitChange(long order) {
        return given().header("Prefer", "wait=30")
                .header("If-None-Match", "\"0\"")
                .get("/orders/{id}", order);
    }

    @Test
    void servesOthersWhileHundredsOfBodiesAreUnfinished() throws IOException {
        long user = Shop.user();
        List<Socket> unfinished = new ArrayList<>();
        try {
            for (int i = 0; i < 300; i++) {
                Socket client = new Socket("localhost", RestAssured.port);
                unfinished.add(client);
                String path = List.of("/orders?user_id=" + user, "/inventory_items", "/users")
                        .get(i % 3);
                client.getOutputStream()
                        .write(("POST " + path + " HTTP/1.1\r\nHost: localhost\r\n"
                                        + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
                                .getBytes(StandardCharsets.ISO_8859_1));
            }

            // The process serves four calls at once: an unfinished body is none.
            for (String path : List.of("/users/" + user, "/orders?user_id=" + user, "/inventory_items", "/jobs")) {
                given().get(path).then().statusCode(200);
            }
            Shop.user();

            for (Socket client : unfinished) {
                client.setSoTimeout(60_000);
                assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                        .startsWith("HTTP/1.1 408 ")
                        .containsIgnoringCase("connection: close")
                        .contains("application/problem+json");
            }
        } finally {
            for (Socket client : unfinished) {
                client.close();
            }
        }
    }

    @Test
    void clientsThatDoNotReceiveTheirResponsesAreCutOff() throws Exception {
        long user = Shop.user();
        String name = Shop.uniqueName();
        Shop.item(name, 1_000, 0);
        for (int i = 0; i < 80; i++) {
            Shop.order(user, Map.of(name, 1));
        }
        Vertx vertx = Vertx.vertx();
        try {
            HttpClient client = vertx.createHttpClient(new HttpClientOptions()
                    .setProtocolVersion(HttpVersion.HTTP_2)
                    .setHttp2ClearTextUpgrade(false)
                    .setInitialSettings(new Http2Settings().setInitialWindowSize(0)));
            // One at a time: a call that came while an earlier one was still ending would be rejected, not held.
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                client.request(HttpMethod.GET, RestAssured.port, "localhost", "/users/" + user + "/orders?limit=100")
                        .compose(HttpClientRequest::send);
                return given().get("/users/" + user).statusCode() == 503;
            });

            await().atMost(Duration.ofSeconds(60))
                    .until(() -> given().get("/users/" + user).statusCode() == 200);
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    @Test
    void closesAConnectionWithManyPipelinedRequests() throws IOException {
        long user = Shop.user();
        String get = "GET /users/" + user + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
        String last = get.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");

        assertThat(responses(get.repeat(3) + last)).isEqualTo(4);
        assertThat(responses(get.repeat(7) + last)).isEqualTo(8);
        assertThat(responses(get.repeat(8) + last)).isLessThan(9);
        assertThat(responses(get.repeat(1_000) + last)).isLessThan(1_000);
        // On the same connection, so that answered requests are not counted.
        assertThat(responses(get, get, get, get, get, get, get, get, get, get, last))
                .isEqualTo(11);
        given().get("/users/" + user).then().statusCode(200);
    }

    /** Its response has ended and its connection is closed by the time that sending the file fails. */
    @ParameterizedTest
    @ValueSource(strings = {"/console/ui.js", "/q/swagger-ui/swagger-ui-bundle.js"})
    @DisabledOnIntegrationTest("Reads the log inside the process")
    void logsNothingWhenAClientResetsItsConnectionDuringAFile(String path) throws Exception {
        List<LogRecord> errors = new CopyOnWriteArrayList<>();
        Handler handler = new ConsoleHandler() {
            @Override
            public void publish(LogRecord logged) {
                if (logged.getLevel().intValue() >= Level.WARNING.intValue()) {
                    errors.add(logged);
                }
            }
        };
        Logger root = Logger.getLogger("");
        root.addHandler(handler);
        try {
            for (int i = 0; i < 50; i++) {
                try (Socket client = new Socket()) {
                    client.setReceiveBufferSize(1_000);
                    client.connect(new InetSocketAddress("localhost", RestAssured.port));
                    client.setSoLinger(true, 0);
                    client.getOutputStream()
                            .write("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                    .formatted(path)
                                    .getBytes(StandardCharsets.US_ASCII));
                    if (i % 2 == 0) {
                        client.getInputStream().read();
                    }
                }
            }
            given().get("/order_statuses").then().statusCode(200);
        } finally {
            root.removeHandler(handler);
        }

        assertThat(errors).extracting(LogRecord::getMessage).isEmpty();
    }

    /** The requests and their responses, some 40 MB each, do not fit into the buffers of the sockets. */
    @ParameterizedTest
    @ValueSource(strings = {"GET /up HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /up HTTP/1.1\r\n\r\n"})
    void closesAConnectionThatOnlySends(String request) throws IOException {
        try (Socket client = new Socket()) {
            client.setReceiveBufferSize(10_000);
            client.connect(new InetSocketAddress("localhost", RestAssured.port));
            byte[] requests = request.replace("\r\n\r\n", "\r\nX: " + "x".repeat(350) + "\r\n\r\n")
                    .repeat(1_000)
                    .getBytes(StandardCharsets.US_ASCII);

            assertThatThrownBy(() -> {
                        for (int i = 0; i < 100; i++) {
                            client.getOutputStream().write(requests);
                        }
                    })
                    .isInstanceOf(SocketException.class);
        }
    }

    /** Each response is larger than the buffers, so that it waits for the client. */
    @Test
    void answersEveryPipelinedRequestOfASlowClient() throws Exception {
        long user = Shop.user();
        String name = Shop.uniqueName();
        long item = Shop.item(name, 1, 0);
        OmsServers.ledger().execute("""
                with o as (
                    insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                    select %d, 'Cancelled', now(), now(), now() from generate_series(1, 100) returning id)
                insert into order_lines (order_id, inventory_item_id, quantity, item_name)
                select id, %d, 1, repeat('x', 10000) from o""".formatted(user, item));
        String get = "GET /users/" + user + "/orders?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n";
        String order = "{\"items\":{\"%s\":1}}".formatted(name);
        String post = "POST /orders?user_id=%d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".formatted(user)
                + "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s".formatted(order.length(), order);
        try (Socket client = new Socket()) {
            client.setReceiveBufferSize(10_000);
            client.connect(new InetSocketAddress("localhost", RestAssured.port));
            client.setSoTimeout(60_000);
            client.getOutputStream().write((get.repeat(7) + post).getBytes(StandardCharsets.US_ASCII));
            Thread.sleep(Duration.ofSeconds(1));

            String received = new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);

            assertThat(received.split("HTTP/1.1 200", -1)).hasSize(1 + 7);
            assertThat(received).hasSizeGreaterThan(7 * 100 * 10_000).contains("HTTP/1.1 201");
        }
    }

    /** Sends each part when those before have been answered. Returns how many responses came. */
    private static int responses(String... parts) throws IOException {
        int answered = 0;
        try (Socket client = new Socket("localhost", RestAssured.port)) {
            client.setSoTimeout(30_000);
            InputStream received = new BufferedInputStream(client.getInputStream());
            int sent = 0;
            for (String part : parts) {
                client.getOutputStream().write(part.getBytes(StandardCharsets.US_ASCII));
                sent += part.split("GET ", -1).length - 1;
                String line = "";
                for (int next; answered < sent && (next = received.read()) >= 0; ) {
                    line = next == '\n' ? "" : line + (char) next;
                    if (line.endsWith("HTTP/1.1 200")) {
                        answered++;
                    }
                }
            }
        } catch (SocketException reset) {
            // Closed by the server.
        }
        return answered;
    }

    /** It stays for up to an hour, and costs a message a second. */
    @Test
    void aListenerIsNotACallInProgress() throws IOException, SQLException {
        List<Socket> listeners = new ArrayList<>();
        try {
            for (int i = 0; i < 8; i++) {
                Socket listener = new Socket("localhost", RestAssured.port);
                listeners.add(listener);
                listener.setSoTimeout(30_000);
                listener.getOutputStream()
                        .write("GET /flow HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                assertThat(new String(listener.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                        .isEqualTo("HTTP/1.1 200");
            }

            given().get("/order_statuses").then().statusCode(200);
        } finally {
            for (Socket listener : listeners) {
                listener.close();
            }
        }

        // Nor does its end count as the end of one.
        answers503AtOnceWhenTooManyCallsAreInProgress();
    }
}
