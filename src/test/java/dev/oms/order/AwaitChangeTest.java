package dev.oms.order;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.http.AdmitCalls;
import dev.oms.http.WaitPreference;
import dev.oms.job.Settling;
import io.agroal.api.AgroalDataSource;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import io.vertx.redis.client.Command;
import jakarta.enterprise.event.Event;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How waiting calls hear of changes, and what they hold. The test settles; each time-out is below the waits. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
@Timeout(25)
class AwaitChangeTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final Ledger ledger = OmsServers.ledger();
    private final Settling settling = new Settling();
    private final String name = Shop.uniqueName();
    private long user;

    @Inject
    AwaitChange awaitChange;

    @Inject
    Event<OrdersChanged> changed;

    @Inject
    AgroalDataSource dataSource;

    @ConfigProperty(name = "quarkus.datasource.jdbc.max-size")
    int connections;

    @Inject
    Orders orders;

    @Inject
    AdmitCalls admitCalls;

    @Inject
    Vertx vertx;

    @BeforeEach
    void createUserAndItem() {
        user = Shop.user();
        Shop.item(name, 1_000_000, 0);
        await().atMost(TIMEOUT).until(() -> waiting() == 0);
    }

    private static int waiting() {
        return OmsServers.management()
                .get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith("oms_calls_waiting "))
                .mapToInt(line -> (int) Double.parseDouble(line.substring(line.indexOf(' '))))
                .sum();
    }

    private static CompletableFuture<Response> send(Supplier<Response> call) {
        return CompletableFuture.supplyAsync(call, Thread::startVirtualThread);
    }

    private Response postAndWait(int seconds) {
        return given().contentType("application/json")
                .header("Prefer", "wait=" + seconds)
                .queryParam("user_id", user)
                .body(Map.of("items", Map.of(name, 1)))
                .post("/orders");
    }

    private CompletableFuture<Response> post(int seconds) {
        CompletableFuture<Response> response = send(() -> postAndWait(seconds));
        await().atMost(TIMEOUT).until(() -> waiting() == 1);
        return response;
    }

    private long lastOrder() {
        return Long.parseLong(ledger.texts("select max(id) from orders where user_id = " + user)
                .getFirst());
    }

    /** As by a process whose message is lost. Rejected, because that moves no stock. */
    private void rejectUnheard(long order) {
        ledger.execute("update orders set status = 'Rejected', due = null, version = version + 1 where id = %d"
                .formatted(order));
    }

    private static void isAnswered(CompletableFuture<Response> response, String status) {
        response.join()
                .then()
                .statusCode(201)
                .header("Preference-Applied", "wait=30")
                .body("status", equalTo(status));
    }

    @Test
    void anOrderThatIsNotSettledInTimeIsAnsweredAsItIs() {
        postAndWait(1)
                .then()
                .statusCode(201)
                .header("Preference-Applied", "wait=1")
                .header("ETag", "\"0\"")
                .body("status", equalTo("Pending"));
    }

    @Test
    void aChangeThatSettlesNothingIsNotTheEnd() throws InterruptedException {
        CompletableFuture<Response> response = post(30);

        Shop.update(lastOrder(), "Received").then().statusCode(200);
        // Much longer than it takes to hear of it.
        Thread.sleep(1_000);
        settling.settle(lastOrder());

        isAnswered(response, "Confirmed");
    }

    @Test
    void aSettledOrderIsAnswered() {
        CompletableFuture<Response> response = post(30);

        settling.settle(lastOrder());

        isAnswered(response, "Confirmed");
    }

    @Test
    void aCancelledOrderIsAnswered() {
        CompletableFuture<Response> response = post(30);

        Shop.cancel(lastOrder()).then().statusCode(200);

        response.join().then().statusCode(201).body("status", equalTo("Cancelled"));
    }

    @Test
    void aLostMessageCostsOnlyTime() {
        CompletableFuture<Response> response = post(30);

        rejectUnheard(lastOrder());

        isAnswered(response, "Rejected");
    }

    @Test
    void aMessageOfAnotherProcessIsHeard() {
        CompletableFuture<Response> response = post(30);
        long order = lastOrder();

        rejectUnheard(order);
        OmsServers.streams().redis(Command.PUBLISH, "oms:changed-orders", "," + order + ",x");

        isAnswered(response, "Rejected");
    }

    @Test
    @Timeout(60)
    void looksByItselfWhileRedisIsStopped() throws IOException {
        CompletableFuture<Response> response = post(30);

        OmsServers.servers().stopRedis();
        try {
            rejectUnheard(lastOrder());

            isAnswered(response, "Rejected");
        } finally {
            OmsServers.servers().startRedis();
        }
    }

    /** The order has been placed, so its answer is 201 whatever happens. */
    @Test
    @Timeout(60)
    void isAnsweredAsPlacedWhenItCannotBeReadAgain() throws SQLException {
        List<Connection> all = new ArrayList<>();
        CompletableFuture<Response> response = post(20);
        try {
            for (int i = 0; i < connections; i++) {
                all.add(dataSource.getConnection());
            }
            changed.fire(new OrdersChanged(List.of(lastOrder())));

            response.join()
                    .then()
                    .statusCode(201)
                    .header("Preference-Applied", nullValue())
                    .body("status", equalTo("Pending"));
        } finally {
            for (Connection connection : all) {
                connection.close();
            }
        }
    }

    @Test
    void aRepeatWaitsToo() {
        CompletableFuture<Response> first = send(this::postKeyed);
        await().atMost(TIMEOUT).until(() -> waiting() == 1);
        CompletableFuture<Response> again = send(this::postKeyed);
        await().atMost(TIMEOUT).until(() -> waiting() == 2);

        settling.settle(lastOrder());

        isAnswered(first, "Confirmed");
        isAnswered(again, "Confirmed");
        again.join().then().header("Idempotency-Replayed", "true");
    }

    private Response postKeyed() {
        return given().contentType("application/json")
                .header("Prefer", "wait=30")
                .header("Idempotency-Key", name)
                .queryParam("user_id", user)
                .body(Map.of("items", Map.of(name, 1)))
                .post("/orders");
    }

    @Test
    void aClientThatHangsUpFreesItsPlace() throws IOException {
        Socket client = send();
        await().atMost(TIMEOUT).until(() -> waiting() == 1);

        client.close();

        await().atMost(TIMEOUT).until(() -> waiting() == 0);
        assertThat(Shop.status(lastOrder())).isEqualTo("Pending");
    }

    @ParameterizedTest
    @EnumSource(
            value = HttpVersion.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void aConnectionThatEndsFreesItsPlaces(HttpVersion version) {
        Vertx own = Vertx.vertx();
        HttpClient client = own.createHttpClient(
                new HttpClientOptions().setProtocolVersion(version).setHttp2ClearTextUpgrade(false));
        for (int i = 0; i < 3; i++) {
            client.request(HttpMethod.POST, RestAssured.port, "localhost", "/orders?user_id=" + user)
                    .compose(request -> request.putHeader("Content-Type", "application/json")
                            .putHeader("Prefer", "wait=30")
                            .send(body()));
        }
        await().atMost(TIMEOUT).until(() -> waiting() == 3);

        own.close().toCompletionStage().toCompletableFuture().join();

        await().atMost(TIMEOUT).until(() -> waiting() == 0);
    }

    private String body() {
        return "{\"items\":{\"%s\":1}}".formatted(name);
    }

    private Socket send() throws IOException {
        Socket client = new Socket("localhost", RestAssured.port);
        client.getOutputStream()
                .write(("POST /orders?user_id=%d HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=30\r\n".formatted(user)
                                + "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                                        .formatted(body().length(), body()))
                        .getBytes(StandardCharsets.US_ASCII));
        return client;
    }

    @Test
    @Timeout(120)
    void thousandsWaitAndHoldNeitherThreadNorConnection() throws IOException {
        long order = Shop.order(user, Map.of(name, 1));
        String get = "GET /orders/%d HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=30\r\nIf-None-Match: \"0\"\r\n\r\n"
                .formatted(order);
        int threads = ManagementFactory.getThreadMXBean().getThreadCount();
        List<Socket> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 2_000; i++) {
                Socket client = new Socket("localhost", RestAssured.port);
                clients.add(client);
                client.getOutputStream().write(get.getBytes(StandardCharsets.US_ASCII));
                if (clients.size() % 500 == 0) {
                    // Before it waits, each is one of at most 1,000 calls in progress.
                    await().atMost(TIMEOUT).until(AwaitChangeTest::waiting, count -> count == clients.size());
                }
            }

            int more = ManagementFactory.getThreadMXBean().getThreadCount() - threads;
            await().atMost(TIMEOUT)
                    .until(() ->
                            ledger.count("pg_stat_activity where state <> 'idle' and backend_type = 'client backend'"
                                            + " and pid <> pg_backend_pid()")
                                    == 0);
            settling.settle(order);

            assertThat(more).isLessThan(100);
            for (Socket client : clients) {
                assertThat(answer(client))
                        .startsWith("HTTP/1.1 200 ")
                        .containsIgnoringCase("Preference-Applied: wait=30")
                        .contains("\"status\":\"Confirmed\"");
            }
        } finally {
            for (Socket client : clients) {
                client.close();
            }
        }
        await().atMost(TIMEOUT).until(() -> waiting() == 0);
    }

    @Test
    void itsThreadEndsWithTheProcess() throws InterruptedException {
        AtomicReference<Thread> thread = new AtomicReference<>();
        ChangeNews none = listener -> {
            thread.set(Thread.currentThread());
            return false;
        };
        AwaitChange own = new AwaitChange(orders, none, admitCalls);
        OrderView order =
                orders.viewAll(List.of(Shop.order(user, Map.of(name, 1)))).getFirst();
        long start = System.nanoTime();
        vertx.getOrCreateContext()
                .runOnContext(loop -> own.await(
                                order,
                                now -> false,
                                new WaitPreference(30),
                                Duration.ofMinutes(1),
                                start,
                                callOfItsOwn())
                        .subscribe()
                        .with(outcome -> {}));
        await().atMost(TIMEOUT).until(() -> thread.get() != null);

        own.stop(new ShutdownEvent());

        assertThat(thread.get().join(TIMEOUT)).isTrue();
        await().atMost(TIMEOUT).until(() -> waiting() == 0);
    }

    private RoutingContext callOfItsOwn() {
        Map<Object, Object> attributes = new ConcurrentHashMap<>();
        return (RoutingContext) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {RoutingContext.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "put" -> {
                        attributes.put(arguments[0], arguments[1]);
                        yield proxy;
                    }
                    case "get" -> attributes.get(arguments[0]);
                    case "remove" -> attributes.remove(arguments[0]);
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    private static String answer(Socket client) throws IOException {
        client.setSoTimeout(20_000);
        InputStream in = client.getInputStream();
        String answer = "";
        while (!answer.contains("\r\n\r\n{") || !answer.endsWith("}")) {
            byte[] next = new byte[2_000];
            int length = in.read(next);
            if (length < 0) {
                break;
            }
            answer += new String(next, 0, length, StandardCharsets.UTF_8);
        }
        return answer;
    }
}
