package dev.oms.flow;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.notNullValue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.http.ProblemException;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import io.vertx.core.Vertx;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import jakarta.enterprise.inject.spi.CDI;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code /flow}, with the scheduled consumer. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class FlowResourceTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** How many events a test waits for at most. */
    private static final int EVENTS_MAX = 60;

    private static final int LISTENERS_OF_ADDRESS_MAX = 50;

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;

    @BeforeEach
    void setUp() throws IOException, InterruptedException {
        ledger.awaitSettled();
        // An earlier test may have stopped Redis or left dead jobs.
        ledger.execute("truncate failed_jobs");
        try (Listener listener = connectWhenThereIsASlot()) {
            listener.until(
                    flow -> flow.path("redis").asBoolean() && flow.path("dead").asInt(-1) == 0);
        }
        user = Shop.user();
        name = Shop.uniqueName();
        Shop.item(name, 1_000, 0);
    }

    /** The clients of an earlier test may still be leaving. */
    private static Listener connectWhenThereIsASlot() {
        return await().atMost(Duration.ofMinutes(1))
                .ignoreExceptionsInstanceOf(IOException.class)
                .until(Listener::connect, Objects::nonNull);
    }

    @Test
    void sendsTheHistoryAndThenTheState() throws IOException, InterruptedException {
        try (Listener listener = Listener.connect()) {
            Event first = listener.next();
            Event second = listener.next();

            assertThat(listener.response.headers().firstValue("Content-Type").orElseThrow())
                    .startsWith("text/event-stream");
            // Or nginx would collect events until a buffer is full.
            assertThat(listener.response.headers().allValues("X-Accel-Buffering"))
                    .containsExactly("no");
            assertThat(listener.response.headers().allValues("Cache-Control")).containsExactly("no-cache");
            assertThat(first.name()).isEqualTo("history");
            assertThat(first.retry()).isEqualTo("2000");
            assertThat(first.data().path("bucket_seconds").asInt()).isEqualTo(5);
            assertThat(first.data().path("placed")).hasSize(180).allMatch(pair -> pair.size() == 2);
            assertThat(first.data().path("settled")).hasSize(180);
            assertThat(second.name()).isEqualTo("flow");
            assertThat(second.data().path("redis").asBoolean()).isTrue();
            assertThat(second.data().path("postgresql").asBoolean()).isTrue();
            assertThat(second.data().path("depth").isIntegralNumber()).isTrue();
            assertThat(second.data().path("dead").asInt()).isZero();
            assertThat(second.data().path("low_stock").isIntegralNumber()).isTrue();
        }
    }

    @Test
    void sendsTheSameCountsToAllListeners() throws IOException, InterruptedException {
        try (Listener listener = Listener.connect();
                Listener other = Listener.connect()) {
            listener.next();
            other.next();
            for (int i = 0; i < 7; i++) {
                Shop.settled(Shop.order(user, Map.of(name, 1)));
            }

            AtomicLong placed = new AtomicLong();
            AtomicLong settled = new AtomicLong();
            List<Event> received = listener.until(flow -> placed.addAndGet(total(flow.at("/buckets/placed"))) >= 7
                    & settled.addAndGet(total(flow.at("/buckets/settled"))) >= 7);
            List<String> others =
                    other
                            .until(flow -> flow.path("at")
                                    .equals(received.getLast().data().path("at")))
                            .stream()
                            .map(Event::text)
                            .toList();

            Event last = received.getLast();
            assertThat(others).contains(last.text());
            assertThat(last.data().path("placed_per_second").asDouble()).isPositive();
            assertThat(last.data().path("settled_per_second").asDouble()).isPositive();
            assertThat(last.data().at("/latency/p50_seconds").asDouble()).isPositive();
            assertThat(last.data().at("/latency/p99_seconds").asDouble())
                    .isGreaterThanOrEqualTo(
                            last.data().at("/latency/p50_seconds").asDouble());
            try (Listener late = Listener.connect()) {
                assertThat(late.next().data().path("settled"))
                        .containsAll(last.data().at("/buckets/settled"));
            }
        }
    }

    private static long total(JsonNode pairs) {
        return pairs.valueStream().mapToLong(pair -> pair.get(1).asLong()).sum();
    }

    @Test
    void sendsNullForWhatIsUnknownWithoutRedis() throws IOException, InterruptedException {
        try (Listener listener = Listener.connect()) {
            OmsServers.servers().stopRedis();
            try {
                List<Event> received =
                        listener.until(flow -> !flow.path("redis").asBoolean(true));

                JsonNode flow = received.getLast().data();
                assertThat(flow.path("postgresql").asBoolean()).isTrue();
                assertThat(flow.path("dead").asInt(-1)).isZero();
                for (String unknown : List.of(
                        "depth",
                        "oldest_age_seconds",
                        "in_flight",
                        "placed_per_second",
                        "latency",
                        "workers",
                        "buckets")) {
                    assertThat(flow.path(unknown).isNull()).as(unknown).isTrue();
                }
            } finally {
                OmsServers.servers().startRedis();
            }

            List<Event> received = listener.until(flow -> flow.path("redis").asBoolean());

            assertThat(received.getLast().data().path("depth").isIntegralNumber())
                    .isTrue();
        }
    }

    @Test
    @DisabledOnIntegrationTest("Listeners are counted only inside the process")
    void removesDisconnectedListeners() throws IOException, InterruptedException {
        FlowStream flows = CDI.current().select(FlowStream.class).get();
        for (int i = 0; i < 3; i++) {
            try (Listener listener = Listener.connect()) {
                listener.next();
                assertThat(flows.listenerCount()).isPositive();
            }
        }

        await().atMost(Duration.ofSeconds(20)).until(() -> flows.listenerCount() == 0);
    }

    /** More than there are slots, so that those that leak are missed below. */
    @Test
    void clientsThatHangUpAtOnceLeaveNoSlotTaken() throws IOException, InterruptedException {
        for (int i = 0; i < 300; i++) {
            try (Socket client = call()) {
                // Half of them reset the connection; a third hangs up while it is being added, or just after.
                client.setSoLinger(i % 2 == 0, 0);
                if (i % 3 == 0) {
                    Thread.sleep(i / 30);
                }
            }
        }

        List<Socket> all = takeAllSlots();
        try {
            assertThat(all).hasSize(LISTENERS_OF_ADDRESS_MAX);
        } finally {
            close(all);
        }
    }

    @Test
    @Tag("full")
    @DisabledOnIntegrationTest("Listeners are counted only inside the process")
    void listenersThatDoNotReceiveLoseTheirSlots() {
        FlowStream flows = CDI.current().select(FlowStream.class).get();
        Vertx vertx = Vertx.vertx();
        try {
            io.vertx.core.http.HttpClient client = vertx.createHttpClient(new HttpClientOptions()
                    .setProtocolVersion(HttpVersion.HTTP_2)
                    .setHttp2ClearTextUpgrade(false)
                    .setInitialSettings(new Http2Settings().setInitialWindowSize(0)));
            for (int i = 0; i < 5; i++) {
                client.request(HttpMethod.GET, RestAssured.port, "localhost", "/flow")
                        .compose(HttpClientRequest::send);
            }
            await().atMost(Duration.ofSeconds(30)).until(() -> flows.listenerCount() == 5);

            await().atMost(Duration.ofSeconds(45)).until(() -> flows.listenerCount() == 0);
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    /** Each connection is served by one of several event loops, which must not wait for each other. */
    @Test
    void listenersOnManyHttp2ConnectionsDoNotBlockEachOther() throws Exception {
        Vertx vertx = Vertx.vertx();
        HttpClientOptions options = new HttpClientOptions()
                .setProtocolVersion(HttpVersion.HTTP_2)
                .setHttp2ClearTextUpgrade(false)
                .setHttp2MultiplexingLimit(1)
                .setHttp2MaxPoolSize(8);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            io.vertx.core.http.HttpClient client = vertx.createHttpClient(options);
            List<Future<Integer>> statuses = IntStream.range(0, 400)
                    .mapToObj(i -> threads.submit(() -> hangUpAfterTheHead(client)))
                    .toList();
            for (Future<Integer> status : statuses) {
                assertThat(status.get(2, TimeUnit.MINUTES)).isIn(200, 503);
            }
        } finally {
            vertx.close();
        }
    }

    private static int hangUpAfterTheHead(io.vertx.core.http.HttpClient client) throws Exception {
        return client.request(HttpMethod.GET, RestAssured.port, "localhost", "/flow")
                .compose(request -> request.send().map(response -> {
                    response.exceptionHandler(reset -> {});
                    request.reset();
                    return response.statusCode();
                }))
                .toCompletionStage()
                .toCompletableFuture()
                .get(1, TimeUnit.MINUTES);
    }

    @Test
    void refusesListenersBeyondTheLimitOfAnAddress() throws IOException {
        List<Socket> all = takeAllSlots();
        try {
            given().get("/flow")
                    .then()
                    .statusCode(503)
                    .contentType("application/problem+json")
                    .header("Retry-After", notNullValue())
                    .body("detail", containsString("address"));
        } finally {
            close(all);
        }
    }

    /** Takes every slot of this address, as soon as clients that are gone have left theirs. */
    private static List<Socket> takeAllSlots() {
        List<Socket> all = new ArrayList<>();
        await().atMost(Duration.ofMinutes(2))
                .pollInterval(Duration.ofMillis(100))
                .until(() -> {
                    Socket client = call();
                    byte[] status = client.getInputStream().readNBytes("HTTP/1.1 200".length());
                    if (new String(status, StandardCharsets.US_ASCII).endsWith("200")) {
                        all.add(client);
                    } else {
                        client.close();
                    }
                    return all.size() == LISTENERS_OF_ADDRESS_MAX;
                });
        return all;
    }

    private static Socket call() throws IOException {
        Socket client = new Socket("localhost", RestAssured.port);
        client.setSoTimeout(30_000);
        client.getOutputStream()
                .write("GET /flow HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        return client;
    }

    private static void close(List<Socket> clients) throws IOException {
        for (Socket client : clients) {
            client.close();
        }
    }

    @Test
    @DisabledOnIntegrationTest("It would stop the process")
    void completesOnShutdownForEarlyAndLateListeners() {
        FlowStream flows = newFlowStream();
        FlowStream.Listener listener = flows.add("192.0.2.1", () -> false, () -> {});
        AssertSubscriber<Flow> early = listener.flows().subscribe().withSubscriber(AssertSubscriber.create(10));
        early.awaitItems(1).assertNotTerminated();

        flows.stop(new ShutdownDelayInitiatedEvent());

        early.awaitCompletion();
        flows.add("192.0.2.1", () -> false, () -> {})
                .flows()
                .subscribe()
                .withSubscriber(AssertSubscriber.create(10))
                .awaitCompletion();
    }

    private static FlowStream newFlowStream() {
        return new FlowStream(
                CDI.current().select(TakeHealthSnapshot.class).get(),
                new ObjectMapper(),
                CDI.current().select(Vertx.class).get());
    }

    @Test
    @DisabledOnIntegrationTest("It would stop the process")
    void disconnectsAListenerThatDoesNotReadTheEnd() {
        FlowStream flows = newFlowStream();
        AtomicInteger disconnected = new AtomicInteger();
        AtomicBoolean isGone = new AtomicBoolean();
        AtomicInteger cut = new AtomicInteger();
        flows.add("192.0.2.1", isGone::get, cut::incrementAndGet);
        FlowStream.Listener deaf = flows.add("192.0.2.1", () -> false, disconnected::incrementAndGet);
        AssertSubscriber<Flow> slow = deaf.flows().subscribe().withSubscriber(AssertSubscriber.create(1));
        slow.awaitItems(1);
        flows.publish();
        isGone.set(true);

        flows.stop(new ShutdownDelayInitiatedEvent());

        await().atMost(Duration.ofSeconds(20)).until(() -> disconnected.get() == 1);
        slow.assertNotTerminated();
        // Other calls may be using the connection of a listener whose stream has ended.
        assertThat(cut).hasValue(0);
    }

    @Test
    @DisabledOnIntegrationTest("The stream is accessible only inside the process")
    void completesTheStreamOfAListenerThatIsGone() {
        FlowStream flows = newFlowStream();
        AtomicBoolean isGone = new AtomicBoolean();
        FlowStream.Listener early = flows.add("192.0.2.1", isGone::get, () -> {});
        FlowStream.Listener late = flows.add("192.0.2.1", isGone::get, () -> {});
        AssertSubscriber<Flow> begun = early.flows().subscribe().withSubscriber(AssertSubscriber.create(10));
        begun.awaitItems(1);

        isGone.set(true);
        flows.publish();

        begun.awaitCompletion();
        late.flows().subscribe().withSubscriber(AssertSubscriber.create(10)).awaitCompletion();
        assertThat(flows.listenerCount()).isZero();
    }

    /** Checking and taking a slot are one step. */
    @Test
    @DisabledOnIntegrationTest("The stream is accessible only inside the process")
    void hasNoMoreSlotsThanItSays() {
        FlowStream flows = newFlowStream();
        AtomicInteger added = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();

        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 2_000; i++) {
                String address = "192.0.2." + i % 20;
                threads.execute(() -> {
                    try {
                        flows.add(address, () -> false, () -> {});
                        added.incrementAndGet();
                    } catch (ProblemException full) {
                        if (full.problem().status() == 503) {
                            refused.incrementAndGet();
                        }
                    }
                });
            }
        }

        assertThat(added).hasValue(200);
        assertThat(refused).hasValue(1_800);
        assertThat(flows.listenerCount()).isEqualTo(200);
    }

    @Test
    @DisabledOnIntegrationTest("The stream is accessible only inside the process")
    void keepsOnlyTheLatestFlowForASlowListener() {
        FlowStream flows = newFlowStream();
        AssertSubscriber<Flow> slow = flows.add("192.0.2.1", () -> false, () -> {})
                .flows()
                .subscribe()
                .withSubscriber(AssertSubscriber.create(1));
        slow.awaitItems(1);
        for (int i = 0; i < 5; i++) {
            flows.publish();
        }

        slow.request(10);

        assertThat(slow.getItems()).hasSizeLessThanOrEqualTo(2);
    }

    @Test
    void allowsOnlyGet() {
        given().post("/flow").then().statusCode(405).contentType("application/problem+json");
    }

    /** A server-sent event: what is received between two empty lines. */
    private record Event(String name, String retry, String text) {
        JsonNode data() {
            try {
                return JSON.readTree(text);
            } catch (IOException e) {
                throw new AssertionError("Not JSON: " + text, e);
            }
        }
    }

    private record Listener(HttpClient client, HttpResponse<Stream<String>> response, Iterator<String> lines)
            implements AutoCloseable {
        static Listener connect() throws IOException, InterruptedException {
            HttpClient client = HttpClient.newHttpClient();
            HttpResponse<Stream<String>> response = client.send(
                    HttpRequest.newBuilder(URI.create("http://localhost:" + RestAssured.port + "/flow"))
                            .header("Accept", "text/event-stream")
                            .build(),
                    BodyHandlers.ofLines());
            if (response.statusCode() != 200) {
                client.shutdownNow();
                throw new IOException("GET /flow answered " + response.statusCode());
            }
            return new Listener(client, response, response.body().iterator());
        }

        Event next() {
            String name = null;
            String retry = null;
            String data = null;
            for (String line = lines.next(); !line.isEmpty(); line = lines.next()) {
                String[] field = line.split(": ?", 2);
                switch (field[0]) {
                    case "event" -> name = field[1];
                    case "retry" -> retry = field[1];
                    default -> data = field[1];
                }
            }
            return new Event(name, retry, data);
        }

        /** The flow events up to and including the first that is wanted. */
        List<Event> until(Predicate<JsonNode> wanted) {
            List<Event> received = new ArrayList<>();
            do {
                assertThat(received).hasSizeLessThan(EVENTS_MAX);
                Event event = next();
                if (event.name().equals("flow")) {
                    received.add(event);
                }
            } while (received.isEmpty() || !wanted.test(received.getLast().data()));
            return received;
        }

        @Override
        public void close() {
            client.shutdownNow();
        }
    }
}
