package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.bootstrap.logging.InitialConfigurator;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that hang up before their body is complete, whatever they wanted, or after they had their answer. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class HangUpTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private static final List<String> WRITES = List.of(
            "POST /orders?user_id=1",
            "POST /users/1/orders",
            "POST /users",
            "POST /inventory_items",
            "PUT /inventory_items/1",
            "PATCH /inventory_items/1",
            "POST /inventory_items/1/adjust",
            "PUT /orders/1/update_status",
            "POST /orders/1/cancel",
            "POST /api_keys");

    @Inject
    Vertx vertx;

    @Inject
    BodyMemory memory;

    private final Logger logger = Logger.getLogger(CollectBody.class.getName());
    private final Queue<String> lines = new ConcurrentLinkedQueue<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            if (line.getLevel().intValue() >= Level.SEVERE.intValue()
                    || line.getLoggerName().equals(CollectBody.class.getName())) {
                lines.add(new PatternFormatter("%p %m").format(line));
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        logger.setLevel(Level.FINE);
        handler.setLevel(Level.ALL);
        Logger.getLogger("").addHandler(handler);
    }

    @AfterEach
    void leave() {
        Logger.getLogger("").removeHandler(handler);
        logger.setLevel(null);
    }

    @ParameterizedTest
    @ValueSource(strings = {"close", "reset", "close chunked", "reset chunked"})
    void http1(String how) throws IOException {
        double before = calls("status=\"400\"");
        double failed = failures();

        for (String write : WRITES) {
            try (Socket client = new Socket("localhost", RestAssured.port)) {
                client.getOutputStream()
                        .write((write + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                        + (how.contains("chunked")
                                                ? "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"ord\r\n"
                                                : "Content-Length: 1000\r\n\r\n{\"ord"))
                                .getBytes(StandardCharsets.ISO_8859_1));
                await().atMost(TIMEOUT).until(() -> memory.inUse() > 0);
                // Closing then sends a reset.
                client.setSoLinger(how.startsWith("reset"), 0);
            }
            await().atMost(TIMEOUT).until(() -> memory.inUse() == 0);
        }

        isTheClientsEnd(before, failed);
    }

    @ParameterizedTest
    @ValueSource(strings = {"close", "reset"})
    void http2(String how) {
        double before = calls("status=\"400\"");
        double failed = failures();

        for (String write : WRITES) {
            String[] head = write.split(" ");
            HttpClient client = vertx.createHttpClient(new HttpClientOptions()
                    .setProtocolVersion(HttpVersion.HTTP_2)
                    .setHttp2ClearTextUpgrade(false));
            HttpClientRequest request =
                    join(client.request(HttpMethod.valueOf(head[0]), RestAssured.port, "localhost", head[1]));
            // Without it the client itself would log the reset as an error.
            request.exceptionHandler(reset -> {});
            request.putHeader("Content-Type", "application/json")
                    .setChunked(true)
                    .write("{\"ord");
            await().atMost(TIMEOUT).until(() -> memory.inUse() > 0);
            if (how.equals("reset")) {
                request.reset();
            } else {
                request.connection().close();
            }
            await().atMost(TIMEOUT).until(() -> memory.inUse() == 0);
            client.close();
        }

        isTheClientsEnd(before, failed);
    }

    /** The server waits before it closes the connection. */
    @ParameterizedTest
    @ValueSource(strings = {"close", "reset"})
    void afterTheAnswerToWhatCannotBeRead(String how) throws IOException {
        double before = calls("status=\"400\"");
        double tooLong = calls("status=\"414\"");

        try (Socket client = new Socket("localhost", RestAssured.port)) {
            client.getOutputStream().write(("GET /" + "x".repeat(70_000)).getBytes(StandardCharsets.ISO_8859_1));
            assertThat(client.getInputStream().read()).isEqualTo('H');
            client.setSoLinger(how.equals("reset"), 0);
        }

        await().atMost(TIMEOUT)
                .untilAsserted(() -> assertThat(calls("status=\"414\"")).isEqualTo(tooLong + 1));
        assertThat(calls("status=\"400\"")).isEqualTo(before);
    }

    /** In HTTP/2, a call can have its answer before its stream has ended. */
    @ParameterizedTest
    @CsvSource({"201, 1000", "413, 1000000"})
    void afterTheAnswerInHttp2(int status, int length) {
        double before = calls("status=\"400\"");
        double answered = calls("status=\"%d\"".formatted(status));
        String name = Shop.uniqueName();
        HttpClient client = vertx.createHttpClient(
                new HttpClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false));
        HttpClientRequest request =
                join(client.request(HttpMethod.POST, RestAssured.port, "localhost", "/inventory_items"));
        request.exceptionHandler(reset -> {});
        String item = "{\"name\":\"%s\",\"quantity\":1,\"threshold\":0}".formatted(name);
        request.putHeader("Content-Type", "application/json")
                .putHeader("Content-Length", Integer.toString(length))
                .write("%-1000s".formatted(item));
        assertThat(join(request.response()).statusCode()).isEqualTo(status);

        request.reset();
        // On the same connection, so the stream is closed when it is answered.
        join(client.request(HttpMethod.GET, RestAssured.port, "localhost", "/order_statuses")
                .compose(HttpClientRequest::send));
        client.close();

        await().atMost(TIMEOUT)
                .untilAsserted(() ->
                        assertThat(calls("status=\"%d\"".formatted(status))).isEqualTo(answered + 1));
        assertThat(calls("status=\"400\"")).isEqualTo(before);
    }

    private static <T> T join(Future<T> future) {
        return future.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(TIMEOUT.toSeconds(), TimeUnit.SECONDS)
                .join();
    }

    /** Netty's warnings about what clients do have stack traces. */
    @ParameterizedTest
    @ValueSource(strings = {"POST /ord", "POST /orders HTTP/1.1\r\nHost: loc"})
    void beforeTheHeadIsComplete(String start) throws IOException {
        Queue<LogRecord> netty = new ConcurrentLinkedQueue<>();
        Handler listener = new Handler() {
            @Override
            public void publish(LogRecord line) {
                netty.add(line);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger.getLogger("io.netty").addHandler(listener);
        try {
            for (int i = 0; i < 20; i++) {
                try (Socket client = new Socket("localhost", RestAssured.port)) {
                    client.getOutputStream().write(start.getBytes(StandardCharsets.ISO_8859_1));
                    client.setSoLinger(true, 0);
                }
            }
            await().atMost(TIMEOUT).until(() -> !netty.isEmpty());

            assertThat(netty).noneMatch(HangUpTest::isPrinted);
        } finally {
            Logger.getLogger("io.netty").removeHandler(listener);
        }
    }

    /** Whether the console has it. Quarkus's filter is the handler's. */
    private static boolean isPrinted(LogRecord line) {
        return Stream.of(InitialConfigurator.DELAYED_HANDLER.getHandlers())
                .allMatch(handler ->
                        handler.getFilter() == null || handler.getFilter().isLoggable(line));
    }

    @Test
    void anOrderThatIsCommittedAllTheSameIsCounted() throws Exception {
        Ledger ledger = OmsServers.ledger();
        long user = Shop.user();
        String item = Shop.uniqueName();
        Shop.item(item, 100, 0);
        double reset = calls("status=\"400\"");
        double placed = sum("oms_orders_placed_total", "outcome=\"placed\"");
        String body = "{\"items\":{\"%s\":1}}".formatted(item);

        // The user is held until every client is gone.
        try (Connection connection = ledger.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("select from users where id = " + user + " for update");
            for (int i = 0; i < 2; i++) {
                try (Socket client = new Socket("localhost", RestAssured.port)) {
                    client.getOutputStream()
                            .write("""
                                    POST /orders?user_id=%d HTTP/1.1\r
                                    Host: localhost\r
                                    Content-Type: application/json\r
                                    Content-Length: %d\r
                                    \r
                                    %s""".formatted(user, body.length(), body).getBytes(StandardCharsets.ISO_8859_1));
                    int waiting = i + 1;
                    await().atMost(TIMEOUT)
                            .until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock'") == waiting);
                    client.setSoLinger(true, 0);
                }
            }
            await().atMost(TIMEOUT).until(() -> calls("status=\"400\"") == reset + 2);
        }

        await().atMost(TIMEOUT).until(() -> ledger.count("orders where user_id = " + user) == 2);
        await().atMost(TIMEOUT)
                .untilAsserted(() -> assertThat(sum("oms_orders_placed_total", "outcome=\"placed\""))
                        .isEqualTo(placed + 2));
    }

    private void isTheClientsEnd(double before, double failed) {
        await().atMost(TIMEOUT)
                .untilAsserted(() -> assertThat(calls("status=\"400\"")).isEqualTo(before + WRITES.size()));
        assertThat(failures()).isEqualTo(failed);
        assertThat(calls("status=\"RESET\"")).isZero();
        assertThat(lines)
                .containsExactlyElementsOf(WRITES.stream()
                        .map(write -> "DEBUG %s: the client hung up before its body was complete"
                                .formatted(write.replaceAll("\\?.*", "")))
                        .toList());
    }

    /** Of HTTP and of orders. */
    private static double failures() {
        return calls("outcome=\"SERVER_ERROR\"") + sum("oms_orders_placed_total", "outcome=\"failed\"");
    }

    private static double calls(String label) {
        return sum("http_server_requests_seconds_count", label);
    }

    private static double sum(String metric, String label) {
        return OmsServers.management()
                .get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith(metric) && line.contains(label))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }
}
