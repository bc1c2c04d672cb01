package dev.oms.event;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.PackagedWorker;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import io.agroal.api.AgroalDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.path.json.JsonPath;
import io.restassured.response.Response;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code GET /events}, in pages and as a stream. Nobody else writes events meanwhile. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class EventResourceTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String OF_ANOTHER_DATABASE = new Cursor(1, 2).toString();

    private final Ledger ledger = OmsServers.ledger();
    private final long subject = FeedRows.subjects();

    /** The packaged worker settles what other tests have left, which makes events. It may be paused. */
    @BeforeEach
    void settle() {
        if (PackagedWorker.isRunning()) {
            PackagedWorker.settle();
        }
    }

    /** The cursor of what happens from now on. */
    private String end() {
        return page("after=end").getString("next");
    }

    private static JsonPath page(String query) {
        return given().get("/events?" + query).then().statusCode(200).extract().jsonPath();
    }

    private void insert(long version, String type) {
        FeedRows.insert(ledger, subject, version, type);
    }

    /** A page that is not empty: another process's transaction may hold the feed back for a moment. */
    private static JsonPath awaited(String query) {
        return page("wait=30&" + query);
    }

    @Test
    void readsOnFromPageToPage() {
        String start = end();
        insert(1, "order.placed");
        insert(2, "order.confirmed");
        insert(3, "order.delivered");
        await().atMost(Duration.ofMinutes(1))
                .until(() -> page("after=" + start).getList("events").size() == 3);

        Response first = given().get("/events?limit=2&after=" + start);
        first.then()
                .statusCode(200)
                .contentType("application/json")
                .header("Cache-Control", "no-store")
                .header("Link", containsString(first.jsonPath().getString("next")))
                .body("events.version", equalTo(List.of(1, 2)))
                .body("events[0].type", equalTo("order.placed"))
                .body("events[0].subject", equalTo("order"))
                .body("events[0].subject_id", equalTo(subject))
                .body("events[0].actor", equalTo("tests"))
                .body("events[0].detail.of", equalTo("tests"))
                .body("events[0].created_at", notNullValue())
                .body("events[1].id", equalTo(first.jsonPath().getString("next")));
        String link = first.header("Link").replaceFirst("<(.*)>;.*", "$1");
        Response second = given().get(link);
        second.then().statusCode(200).header("Link", nullValue()).body("events.version", equalTo(List.of(3)));
        given().get("/events?after=" + second.jsonPath().getString("next"))
                .then()
                .body("events", empty())
                .body("next", equalTo(second.jsonPath().getString("next")));
        // An event's id is a cursor, too.
        given().get("/events?after=" + first.jsonPath().getString("events[0].id"))
                .then()
                .body("events.version", equalTo(List.of(2, 3)));
    }

    /** Whoever writes a reader copies them. */
    @Test
    void theExamplesAreLikeWhatIsRead() throws IOException {
        String start = end();
        String name = Shop.uniqueName();
        Shop.item(name, 10, 0);
        Shop.order(Shop.user(), Map.of(name, 1));
        String read =
                given().get("/events?wait=30&types=order.placed&after=" + start).asString();
        JsonNode placed = JSON.readTree(read).at("/events/0");
        Pattern event = Pattern.compile("\\{\"id\":[^\n]*?\"created_at\":\"[^\"]*\"}");

        for (String file : List.of(
                "src/site/markdown/api.md",
                "src/site/markdown/webhooks.md",
                "src/main/resources/META-INF/openapi.yaml")) {
            List<String> examples = event.matcher(Files.readString(Path.of(file)))
                    .results()
                    .map(MatchResult::group)
                    .toList();
            assertThat(examples).as(file).isNotEmpty();
            for (String example : examples) {
                assertLike(JSON.readTree(example), placed);
            }
        }
        for (JsonNode example : new YAMLMapper()
                .readTree(Path.of("src/main/resources/META-INF/openapi.yaml").toFile())
                .at("/paths/~1events/get/responses/200/content/application~1json/examples/events/value/events")) {
            assertLike(example, placed);
        }
    }

    private static void assertLike(JsonNode example, JsonNode placed) {
        assertThat(names(example)).isEqualTo(names(placed));
        if (example.path("type").asText().equals("order.placed")) {
            assertThat(names(example.path("detail"))).isEqualTo(names(placed.path("detail")));
        }
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void beginsAtTheBeginning() {
        insert(1, "order.placed");

        JsonPath page = page("limit=1");

        assertThat(page.getList("events")).hasSize(1);
        assertThat(Cursor.parse(page.getString("events[0].id")).position())
                .isEqualTo(Long.parseLong(ledger.texts("select min(position) from events where position > 0")
                        .getFirst()));
    }

    @Test
    void filtersByType() {
        String start = end();
        insert(1, "order.placed");
        insert(2, "order.confirmed");
        insert(3, "order.cancelled");
        insert(4, "order.placed");

        JsonPath some = awaited("types=order.cancelled,order.confirmed&after=" + start);
        JsonPath none = page("types=item.added&after=" + start);

        assertThat(some.getList("events.version", Integer.class))
                .isSubsetOf(2, 3)
                .isNotEmpty();
        assertThat(none.getList("events")).isEmpty();
        await().atMost(Duration.ofMinutes(1))
                .until(() -> page("types=item.added&after=" + start)
                        .getString("next")
                        .equals(end()));
    }

    @Test
    void namesAllTypesInTheDocument() {
        List<String> documented = given().queryParam("format", "json")
                .get("/q/openapi")
                .jsonPath()
                .getList("components.schemas.EventType.enum");

        assertThat(documented)
                .containsExactlyInAnyOrderElementsOf(
                        Stream.of(EventType.values()).map(EventType::wireName).toList());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            after=1                      | not a cursor
            after=START                  | not a cursor
            after=                       | must not be empty
            types=order.lost             | types must be some of
            types=order.placed,          | types must be some of
            types=order.placed&types=x   | only once
            limit=0                      | limit must be 1 to 1000
            limit=1001                   | limit must be 1 to 1000
            wait=31                      | wait must be 0 to 30
            wait=-1                      | wait must be 0 to 30
            wait=soon                    | wait must be a whole number
            since=1                      | not a query parameter
            """)
    void refusesWhatItDoesNotUnderstand(String query, String detail) {
        for (String accept : List.of("application/json", "text/event-stream")) {
            given().accept(accept)
                    .get("/events?" + query)
                    .then()
                    .statusCode(400)
                    .contentType("application/problem+json")
                    .body("detail", containsString(detail));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json", "text/event-stream"})
    void refusesTheCursorOfAnotherDatabase(String accept) {
        given().accept(accept)
                .get("/events?after=" + OF_ANOTHER_DATABASE)
                .then()
                .statusCode(410)
                .contentType("application/problem+json");
    }

    @Test
    void answersAsSoonAsThereIsAnEvent() throws Exception {
        String start = end();
        CompletableFuture<JsonPath> waiting = CompletableFuture.supplyAsync(() -> awaited("after=" + start));

        awaitReader();
        insert(1, "order.placed");

        assertThat(waiting.get(1, TimeUnit.MINUTES).getList("events")).hasSize(1);
    }

    private static int readers() {
        return CDI.current().select(FeedReaders.class).get().count();
    }

    private static void awaitReader() throws InterruptedException {
        if (PackagedWorker.isRunning()) {
            // Nobody can count them in another process: for a call that comes later the test is only weaker.
            Thread.sleep(500);
        } else {
            await().atMost(Duration.ofMinutes(1)).until(EventResourceTest::readers, readers -> readers > 0);
        }
    }

    @Test
    void anEventThatIsNotAskedForEndsNoWait() throws Exception {
        String start = end();
        CompletableFuture<JsonPath> waiting =
                CompletableFuture.supplyAsync(() -> awaited("types=order.delivered&after=" + start));
        awaitReader();

        insert(1, "order.placed");
        insert(2, "order.delivered");

        assertThat(waiting.get(1, TimeUnit.MINUTES).getList("events.version")).isEqualTo(List.of(2));
    }

    @Test
    void answersWithAnEmptyPageWhenTheTimeIsOver() {
        String start = end();

        given().get("/events?wait=1&after=" + start)
                .then()
                .statusCode(200)
                .body("events", empty())
                .body("next", equalTo(start));
    }

    @Test
    @DisabledOnIntegrationTest("Connections are counted only inside the process")
    void whoeverWaitsHoldsNoConnection() throws Exception {
        AgroalDataSource dataSource =
                CDI.current().select(AgroalDataSource.class).get();
        String start = end();
        List<CompletableFuture<JsonPath>> waiting = Stream.generate(() ->
                        CompletableFuture.supplyAsync(() -> awaited("after=" + start), Thread::startVirtualThread))
                .limit(40)
                .toList();
        await().atMost(Duration.ofMinutes(1)).until(EventResourceTest::readers, readers -> readers == 40);

        // The one that looks for all of them.
        await().atMost(Duration.ofMinutes(1))
                .during(Duration.ofSeconds(1))
                .until(() -> dataSource.getMetrics().activeCount() <= 1);
        insert(1, "order.placed");

        for (CompletableFuture<JsonPath> call : waiting) {
            assertThat(call.get(1, TimeUnit.MINUTES).getList("events")).hasSize(1);
        }
        await().atMost(Duration.ofMinutes(1)).until(EventResourceTest::readers, readers -> readers == 0);
    }

    @Test
    void streamsEventsAndGoesOnBehindTheLast() throws Exception {
        String start = end();
        insert(1, "order.placed");
        insert(2, "order.confirmed");
        String secondId;
        try (Listener listener = Listener.connect("after=" + start, null)) {
            assertThat(listener.response.headers().firstValue("Content-Type").orElseThrow())
                    .startsWith("text/event-stream");
            assertThat(listener.response.headers().allValues("X-Accel-Buffering"))
                    .containsExactly("no");
            Event hello = listener.next();
            assertThat(hello.id()).isEqualTo(start);
            assertThat(hello.data()).isNull();
            assertThat(hello.retry()).isEqualTo("2000");
            Event first = listener.next();
            assertThat(first.data().path("version").asInt()).isEqualTo(1);
            assertThat(first.data().path("id").asText()).isEqualTo(first.id());
            assertThat(first.data().at("/detail/of").asText()).isEqualTo("tests");
            Event second = listener.next();
            secondId = second.id();

            insert(3, "order.delivered");

            assertThat(listener.next().data().path("version").asInt()).isEqualTo(3);
        }

        // As a browser does: to the same URL.
        try (Listener again = Listener.connect("after=" + start, secondId)) {
            assertThat(again.next().id()).isEqualTo(secondId);
            assertThat(again.next().data().path("version").asInt()).isEqualTo(3);
        }
    }

    @Test
    void aStreamMayBeginAtTheEndAndBeFiltered() throws Exception {
        insert(1, "order.placed");
        String end = end();
        try (Listener listener = Listener.connect("after=end&types=order.delivered", null)) {
            assertThat(listener.next().id()).isEqualTo(end);

            insert(2, "order.confirmed");
            insert(3, "order.delivered");

            assertThat(listener.next().data().path("version").asInt()).isEqualTo(3);
        }
    }

    @Test
    @Tag("full")
    void keepsAStreamAliveAndTellsHowFarItHasLooked() throws Exception {
        try (Listener listener = Listener.connect("after=end&types=order.delivered", null)) {
            listener.next();
            insert(1, "order.confirmed");

            Event comment = listener.next();

            assertThat(comment.data()).isNull();
            assertThat(comment.id()).isEqualTo(end());
        }
    }

    /** The comment comes after 15 s; a response that is no stream is cut off after 10. */
    @ParameterizedTest
    @EnumSource(names = {"HTTP_1_1", "HTTP_2"})
    @Tag("full")
    void noStreamIsCutOffLikeAResponseThatNobodyReceives(HttpVersion version) {
        int streams = 25;
        Vertx vertx = Vertx.vertx();
        try {
            io.vertx.core.http.HttpClient client = vertx.createHttpClient(new HttpClientOptions()
                    .setProtocolVersion(version)
                    .setHttp2ClearTextUpgrade(false)
                    .setMaxPoolSize(streams));

            List<CompletableFuture<String>> kept =
                    Stream.generate(() -> untilKeptAlive(client)).limit(streams).toList();

            assertThat(kept)
                    .allSatisfy(stream ->
                            assertThat(stream.get(1, TimeUnit.MINUTES)).containsPattern("(?m)^: ?keep-alive"));
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    /** What a stream sends until it sends the comment that keeps it alive, or ends. */
    private static CompletableFuture<String> untilKeptAlive(io.vertx.core.http.HttpClient client) {
        CompletableFuture<String> received = new CompletableFuture<>();
        client.request(HttpMethod.GET, RestAssured.port, "localhost", "/events?after=end")
                .compose(request ->
                        request.putHeader("Accept", "text/event-stream").send())
                .onFailure(received::completeExceptionally)
                .onSuccess(response -> {
                    StringBuilder text = new StringBuilder();
                    response.exceptionHandler(cut -> received.complete(text.toString()));
                    response.endHandler(ended -> received.complete(text.toString()));
                    response.handler(chunk -> {
                        if (text.append(chunk).indexOf("keep-alive") >= 0) {
                            received.complete(text.toString());
                        }
                    });
                });
        return received;
    }

    @Test
    void aPathInJsonIsAnsweredInJson() {
        given().accept("text/event-stream").get("/events.json?after=end").then().contentType("application/json");
        given().accept("*/*").get("/events?after=end").then().contentType("application/json");
        // Where there is no stream.
        given().accept("text/event-stream").get("/jobs").then().statusCode(200).contentType("application/json");
    }

    /** Of 50 MB the server reads what fits into buffers. */
    @Test
    @DisabledOnIntegrationTest("Readers are counted only inside the process")
    void aClientThatDoesNotReceiveCostsNoMemory() throws Exception {
        String start = end();
        ledger.execute("""
                insert into events (subject, subject_id, version, type, detail)
                select 'item', %d, i, 'item.corrected', jsonb_build_object('reason', (
                    select string_agg(md5(random()::text || j), '') from generate_series(1, 320) j))
                from generate_series(1, 5000) i""".formatted(subject));
        long before = chunksRead();
        try (Socket client = call("after=" + start)) {
            client.getInputStream().readNBytes("HTTP/1.1 200".length());

            long read = await().atMost(Duration.ofMinutes(1))
                    .pollInterval(Duration.ofSeconds(3))
                    .until(new Settled(this::chunksRead), chunks -> chunks > before);

            // There are some 5 of each event.
            assertThat(read - before).isBetween(500L, 15_000L);
        } finally {
            ledger.execute("delete from events where subject_id = " + subject);
        }
        await().atMost(Duration.ofMinutes(1)).until(EventResourceTest::readers, readers -> readers == 0);
    }

    /** A number as soon as it is the same twice; before that, the least there is. */
    private static final class Settled implements Callable<Long> {
        private final Callable<Long> number;
        private long last = Long.MIN_VALUE;

        Settled(Callable<Long> number) {
            this.number = number;
        }

        @Override
        public Long call() throws Exception {
            long now = number.call();
            boolean isSettled = now == last;
            last = now;
            return isSettled ? now : Long.MIN_VALUE;
        }
    }

    /** How many pieces of details that are too large for a row have been read by anybody. */
    private long chunksRead() {
        return Long.parseLong(ledger.texts("""
                select coalesce(idx_tup_fetch, 0) from pg_stat_all_tables
                where relid = (select reltoastrelid from pg_class where oid = 'events'::regclass)""").getFirst());
    }

    @Test
    void refusesReadersBeyondTheLimitOfAnAddressAndForgetsThoseThatHangUp() throws Exception {
        List<Socket> all = new ArrayList<>();
        try {
            await().atMost(Duration.ofMinutes(2))
                    .pollInterval(Duration.ofMillis(100))
                    .until(() -> {
                        Socket client = call("after=end");
                        byte[] status = client.getInputStream().readNBytes("HTTP/1.1 200".length());
                        if (new String(status, StandardCharsets.US_ASCII).endsWith("200")) {
                            all.add(client);
                        } else {
                            client.close();
                        }
                        return all.size() == FeedReaders.READERS_OF_CALLER_MAX;
                    });

            given().accept("text/event-stream")
                    .get("/events?after=end")
                    .then()
                    .statusCode(503)
                    .contentType("application/problem+json")
                    .header("Retry-After", notNullValue())
                    .body("detail", containsString("address"));
            given().get("/events?wait=30&after=end").then().statusCode(503);
            // Who does not wait needs no slot.
            given().get("/events?after=end").then().statusCode(200);
        } finally {
            for (Socket client : all) {
                client.close();
            }
        }

        await().atMost(Duration.ofMinutes(1))
                .untilAsserted(
                        () -> given().get("/events?wait=1&after=end").then().statusCode(200));
    }

    private static Socket call(String query) throws IOException {
        Socket client = new Socket("localhost", RestAssured.port);
        client.setSoTimeout(30_000);
        client.getOutputStream()
                .write("GET /events?%s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
                        .formatted(query)
                        .getBytes(StandardCharsets.US_ASCII));
        return client;
    }

    /** A server-sent event. */
    private record Event(String id, String retry, JsonNode data) {}

    private record Listener(HttpClient client, HttpResponse<Stream<String>> response, Iterator<String> lines)
            implements AutoCloseable {
        static Listener connect(String query, String lastEventId) throws IOException, InterruptedException {
            HttpClient client = HttpClient.newHttpClient();
            HttpRequest.Builder request = HttpRequest.newBuilder(
                            URI.create("http://localhost:" + RestAssured.port + "/events?" + query))
                    .header("Accept", "text/event-stream");
            if (lastEventId != null) {
                request.header("Last-Event-ID", lastEventId);
            }
            HttpResponse<Stream<String>> response = client.send(request.build(), BodyHandlers.ofLines());
            assertThat(response.statusCode()).isEqualTo(200);
            return new Listener(client, response, response.body().iterator());
        }

        Event next() throws IOException {
            String id = null;
            String retry = null;
            JsonNode data = null;
            for (String line = lines.next(); !line.isEmpty(); line = lines.next()) {
                String[] field = line.split(": ?", 2);
                switch (field[0]) {
                    case "id" -> id = field[1];
                    case "retry" -> retry = field[1];
                    case "data" -> data = JSON.readTree(field[1]);
                    default -> assertThat(line).startsWith(":");
                }
            }
            return new Event(id, retry, data);
        }

        @Override
        public void close() {
            client.shutdownNow();
        }
    }
}
