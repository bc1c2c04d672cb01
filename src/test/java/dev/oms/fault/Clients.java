package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/** People who place orders and cancel some of them, all the time, and remember what they were told. */
final class Clients implements AutoCloseable {
    private static final int PEOPLE = 6;

    /** Faults are to happen amid load, but processes have to start beside it. */
    private static final int CALM_MILLIS_MAX = 40;

    private static final int PLENTIFUL_ITEMS = 8;
    private static final int SCARCE_ITEMS = 3;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AtomicLong NEXT = new AtomicLong(System.nanoTime());

    /** What a client knows of an order that it was told is accepted. */
    enum Known {
        PLACED,
        /** A cancel was sent, and not answered, or with 503: it may have happened or not. */
        MAYBE_CANCELLED,
        CANCELLED
    }

    private final OmsProcess web;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    private final long user;
    private final List<String> items = new ArrayList<>();
    private final List<Thread> people = new ArrayList<>();
    private final ConcurrentMap<Long, Known> accepted = new ConcurrentHashMap<>();
    private final Queue<String> surprises = new ConcurrentLinkedQueue<>();
    private final AtomicLong inDoubt = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong unanswered = new AtomicLong();
    private volatile int pauseMillisMax = CALM_MILLIS_MAX;
    private volatile int cancelPercent = 20;
    private volatile boolean leaving;

    /** Lets them in. What they do is decided by the random numbers, when they do it is not. */
    Clients(OmsProcess web, Random random) throws IOException, InterruptedException {
        this.web = web;
        long n = NEXT.incrementAndGet();
        user = create(
                "/users",
                Map.of(
                        "name",
                        "Somebody",
                        "email",
                        n + "@example.com",
                        "phone",
                        "%010d".formatted(n % 10_000_000_000L)));
        for (int i = 0; i < PLENTIFUL_ITEMS + SCARCE_ITEMS; i++) {
            String name = "thing " + NEXT.incrementAndGet();
            create(
                    "/inventory_items",
                    Map.of("name", name, "quantity", i < PLENTIFUL_ITEMS ? 1_000_000 : 100, "threshold", 0));
            items.add(name);
        }
        for (int i = 0; i < PEOPLE; i++) {
            Random own = new Random(random.nextLong());
            people.add(Thread.ofVirtual().name("client " + i).start(() -> live(own)));
        }
    }

    private long create(String path, Map<String, ?> body) throws IOException, InterruptedException {
        HttpResponse<String> response = post(path, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(201);
        return JSON.readTree(response.body()).get("id").longValue();
    }

    private HttpResponse<String> post(String path, Map<String, ?> body) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(web.uri(path))
                        .timeout(Duration.ofSeconds(60))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(JSON.writeValueAsString(body)))
                        .build(),
                BodyHandlers.ofString());
    }

    private void live(Random random) {
        List<Long> own = new ArrayList<>();
        try {
            while (!leaving) {
                boolean answered = !own.isEmpty() && random.nextInt(100) < cancelPercent
                        ? cancel(own.remove(random.nextInt(own.size())))
                        : place(random, own);
                Thread.sleep(answered ? random.nextInt(pauseMillisMax + 1) : 50);
            }
        } catch (InterruptedException e) {
            // Thrown out.
        } catch (RuntimeException e) {
            surprises.add(e.toString());
        }
    }

    private boolean place(Random random, List<Long> own) throws InterruptedException {
        List<String> shuffled = new ArrayList<>(items);
        Collections.shuffle(shuffled, random);
        Map<String, Integer> lines = new TreeMap<>();
        shuffled.subList(0, 1 + random.nextInt(3)).forEach(name -> lines.put(name, 1 + random.nextInt(3)));
        try {
            HttpResponse<String> response = post("/orders?user_id=" + user, Map.of("items", lines));
            if (response.statusCode() != 201) {
                if (!response.body().contains("nothing was changed")) {
                    inDoubt.incrementAndGet();
                }
                return turnedDown(response);
            }
            JsonNode order = JSON.readTree(response.body());
            accepted.put(order.get("id").longValue(), Known.PLACED);
            own.add(order.get("id").longValue());
            return true;
        } catch (IOException e) {
            unanswered.incrementAndGet();
            inDoubt.incrementAndGet();
            return false;
        }
    }

    private boolean cancel(long order) throws InterruptedException {
        accepted.put(order, Known.MAYBE_CANCELLED);
        try {
            HttpResponse<String> response = post("/orders/" + order + "/cancel", Map.of());
            if (response.statusCode() != 200) {
                return turnedDown(response);
            }
            accepted.put(order, Known.CANCELLED);
            return true;
        } catch (IOException e) {
            unanswered.incrementAndGet();
            return false;
        }
    }

    private boolean turnedDown(HttpResponse<String> response) {
        if (response.statusCode() == 503) {
            refused.incrementAndGet();
        } else {
            surprises.add(response.request().uri() + " was answered " + response.statusCode() + " " + response.body());
        }
        return false;
    }

    /** Places an order that nobody but the caller knows of. */
    long placeOne() throws IOException, InterruptedException {
        HttpResponse<String> response = post("/orders?user_id=" + user, Map.of("items", Map.of(items.getFirst(), 1)));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(201);
        long order = JSON.readTree(response.body()).get("id").longValue();
        accepted.put(order, Known.PLACED);
        return order;
    }

    /** Cancels one. */
    void cancelOne(long order) throws InterruptedException {
        assertThat(cancel(order)).isTrue();
    }

    /** They place as fast as they can, and cancel nothing. */
    void rush() {
        pauseMillisMax = 0;
        cancelPercent = 0;
    }

    /** They go back to normal. */
    void calmDown() {
        pauseMillisMax = CALM_MILLIS_MAX;
        cancelPercent = 20;
    }

    /** Waits until they have been told of so many more accepted orders. */
    void awaitAccepted(int more) {
        long before = accepted.size();
        await().alias("clients place")
                .atMost(Duration.ofSeconds(120))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> accepted.size() >= before + more);
    }

    /** They finish what they are at, and go. */
    void leave() throws InterruptedException {
        leaving = true;
        for (Thread person : people) {
            person.join(Duration.ofSeconds(90));
            assertThat(person.isAlive())
                    .as(person.getName() + " still waits for an answer")
                    .isFalse();
        }
    }

    /** Who they are, to OMS. */
    long user() {
        return user;
    }

    /** How many orders there may be besides those that they know of. */
    long inDoubt() {
        return inDoubt.get();
    }

    /** What they know, by the order's id. */
    Map<Long, Known> accepted() {
        return Map.copyOf(accepted);
    }

    /** What they were told and should never be. */
    List<String> surprises() {
        return List.copyOf(surprises);
    }

    @Override
    public String toString() {
        return "%,d orders accepted, %,d of them cancelled, %,d calls refused with 503, %,d without an answer"
                .formatted(
                        accepted.size(),
                        accepted.values().stream()
                                .filter(Known.CANCELLED::equals)
                                .count(),
                        refused.get(),
                        unanswered.get());
    }

    @Override
    public void close() {
        leaving = true;
        people.forEach(Thread::interrupt);
        http.shutdownNow();
    }
}
