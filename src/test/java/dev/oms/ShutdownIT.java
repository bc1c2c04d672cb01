package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A packaged web process that is told to stop while clients hold connections to it. */
@Tag("full")
class ShutdownIT {
    private static EmbeddedServers servers;
    private static Vertx vertx;

    private OmsProcess web;

    @BeforeAll
    static void startServers() {
        servers = EmbeddedServers.start();
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void stopServers() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
        servers.stop();
    }

    private void startWeb(Duration delay) throws IOException {
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("QUARKUS_SHUTDOWN_DELAY", delay.toString());
        web = new OmsProcess("shutdown-web", "prod", settings);
        web.start();
        web.awaitReady();
    }

    @AfterEach
    void endWeb() {
        web.close();
    }

    private record Answer(int status, String connection) {}

    /** During the delay every call is answered, and every connection is closed soon after one. */
    @ParameterizedTest
    @EnumSource(
            value = HttpVersion.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void asksClientsToLeave(HttpVersion version) throws IOException, InterruptedException {
        // Longer than what is awaited during it.
        startWeb(Duration.ofSeconds(30));
        Queue<HttpConnection> opened = new ConcurrentLinkedQueue<>();
        Queue<HttpConnection> goneAway = new ConcurrentLinkedQueue<>();
        Queue<HttpConnection> closed = new ConcurrentLinkedQueue<>();
        HttpClient client = vertx.httpClientBuilder()
                .with(new HttpClientOptions()
                        .setProtocolVersion(version)
                        // Prior knowledge, as between a proxy and its upstream.
                        .setHttp2ClearTextUpgrade(false))
                .with(new PoolOptions().setHttp1MaxSize(1).setHttp2MaxSize(1))
                .withConnectHandler(connection -> {
                    opened.add(connection);
                    connection.closeHandler(end -> closed.add(connection));
                    if (version == HttpVersion.HTTP_2) {
                        connection.goAwayHandler(goAway -> {
                            if (goAway.getErrorCode() == 0) {
                                goneAway.add(connection);
                            }
                        });
                    }
                })
                .build();
        assertThat(get(client).status()).isEqualTo(200);
        assertThat(get(client).status()).isEqualTo(200);
        assertThat(opened).hasSize(1);

        Child.signal(web.handle(), "TERM");
        await().atMost(Duration.ofSeconds(20)).until(() -> {
            // Readiness fails as soon as the delay begins.
            return get(client, web.managementUri("/q/health/ready")).status() == 503;
        });
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            answers.add(get(client));
        }

        assertThat(answers)
                .allSatisfy(answer ->
                        assertThat(answer).isEqualTo(new Answer(200, version == HttpVersion.HTTP_2 ? null : "close")));
        assertThat(opened).hasSizeGreaterThan(2);
        HttpConnection first = opened.peek();
        await().atMost(Duration.ofSeconds(20)).until(() -> closed.contains(first));
        if (version == HttpVersion.HTTP_2) {
            assertThat(goneAway).contains(first);
        }
        web.handle().onExit().orTimeout(60, TimeUnit.SECONDS).join();
        client.close();
    }

    private Answer get(HttpClient client) {
        return get(client, web.uri("/order_statuses"));
    }

    private static Answer get(HttpClient client, URI uri) {
        return send(client, uri)
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(30, TimeUnit.SECONDS)
                .join();
    }

    private static Future<Answer> send(HttpClient client, URI uri) {
        return client.request(HttpMethod.GET, uri.getPort(), "localhost", uri.getPath())
                .compose(HttpClientRequest::send)
                .compose(response -> response.body()
                        .map(body -> new Answer(response.statusCode(), response.getHeader("Connection"))))
                // A request that crosses a GOAWAY has not been processed: clients send it again (RFC 9113 §8.7). Vert.x
                // and Netty each have an exception for it.
                .recover(e ->
                        String.valueOf(e.getMessage()).contains("GOAWAY") ? send(client, uri) : Future.failedFuture(e));
    }

    /** Its stream would otherwise be waited for until the time-out of 20 seconds. */
    @Test
    void doesNotWaitForListeners() throws IOException, InterruptedException {
        startWeb(Duration.ofSeconds(6));
        try (Socket listener = new Socket("localhost", web.uri("").getPort())) {
            listener.setSoTimeout(30_000);
            listener.getOutputStream()
                    .write("GET /flow HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(listener.getInputStream().readNBytes(12)).hasSize(12);

            Child.signal(web.handle(), "TERM");
            long stopped = System.nanoTime();

            // To its end, which is that of the connection.
            String rest = new String(listener.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            assertThat(rest).endsWith("0\r\n\r\n");
            web.handle().onExit().orTimeout(60, TimeUnit.SECONDS).join();
            assertThat(Duration.ofNanos(System.nanoTime() - stopped)).isLessThan(Duration.ofSeconds(20));
        }
    }

    /** Nobody settles the order, so its call would wait for 30 seconds. */
    @Test
    void answersWaitingCallsAtOnce() throws IOException, InterruptedException {
        startWeb(Duration.ofSeconds(6));
        Ledger ledger = new Ledger(OmsServers.dataSource(servers.settings()));
        ledger.execute("""
                insert into users (id, name, email, phone, created_at, updated_at)
                overriding system value values (77, 'x', 'x@example.com', '7777777777', now(), now());
                insert into inventory_items (name, quantity, threshold, created_at, updated_at)
                values ('waited for', 1, 0, now(), now())""");
        String body = "{\"items\":{\"waited for\":1}}";
        try (Socket client = new Socket("localhost", web.uri("").getPort())) {
            client.setSoTimeout(25_000);
            client.getOutputStream()
                    .write(
                            ("POST /orders?user_id=77 HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=30\r\nConnection: close\r\n"
                                            + "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                                                    .formatted(body.length(), body))
                                    .getBytes(StandardCharsets.US_ASCII));
            await().atMost(Duration.ofSeconds(10)).until(() -> web.metrics().contains("oms_calls_waiting 1.0"));

            Child.signal(web.handle(), "TERM");

            String answer = new String(client.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            assertThat(answer)
                    .startsWith("HTTP/1.1 201 ")
                    .contains("\"status\":\"Pending\"")
                    .doesNotContainIgnoringCase("Preference-Applied");
            web.handle().onExit().orTimeout(60, TimeUnit.SECONDS).join();
        }
    }
}
