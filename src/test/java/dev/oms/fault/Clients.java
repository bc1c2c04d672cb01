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

/** Clients that keep placing orders and cancelling some of them, and record the responses. */
final class Clients implements AutoCloseable {
    private static final int CLIENTS = 6;

    /** The pause between calls. Faults need load, but the processes that start meanwhile need CPU time too. */
    private static final int CALM_PAUSE_MILLIS_MAX = 40;

    private static final int PLENTIFUL_ITEMS = 8;
    private static final int SCARCE_ITEMS = 3;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AtomicLong NEXT = new AtomicLong(System.nanoTime());

    /** What the responses say about an order that was answered with 201. */
    enum State {
        PLACED,
        /** A cancel got no response, or 503: it is in doubt whether the order was cancelled. */
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
    private final List<Thread> threads = new ArrayList<>();
    private final ConcurrentMap<Long, State> accepted = new ConcurrentHashMap<>();
    private final Queue<String> unexpected = new ConcurrentLinkedQueue<>();
    private final AtomicLong inDoubt = new AtomicLong();
    private final AtomicLong inDoubtAnswers = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong unanswered = new AtomicLong();
    private volatile int pauseMillisMax = CALM_PAUSE_MILLIS_MAX;
    private volatile int cancelPercent = 20;
    private volatile boolean stopping;

    /** Starts the clients. The random numbers determine what each does, but not when. */
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
        for (int i = 0; i < CLIENTS; i++) {
            Random own = new Random(random.nextLong());
            threads.add(Thread.ofVirtual().name("client " + i).start(() -> run(own)));
        }
    }

    private long create(String path, Map<String, ?> body) throws IOException, InterruptedException {
        HttpResponse<String> response = post(path, body);
        for (int attempts = 1; response.statusCode() == 503 && attempts < 20; attempts++) {
            // The fault before may have left broken connections in the pool.
            Thread.sleep(100);
            response = post(path, body);
        }
        assertThat(response.statusCode()).as(response.body()).isEqualTo(201);
        return JSON.readTree(response.body()).get("id").longValue();
    }

    private HttpResponse<String> post(String path, Map<String, ?> body) throws IOException, InterruptedException {
        return post(path, body, null);
    }

    private HttpResponse<String> post(String path, Map<String, ?> body, String key)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(web.uri(path))
                .timeout(Duration.ofSeconds(60))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(JSON.writeValueAsString(body)));
        if (key != null) {
            request.header("Idempotency-Key", key);
        }
        return http.send(request.build(), BodyHandlers.ofString());
    }

    private void run(Random random) {
        List<Long> own = new ArrayList<>();
        try {
            while (!stopping) {
                boolean answered = !own.isEmpty() && random.nextInt(100) < cancelPercent
                        ? cancel(own.remove(random.nextInt(own.size())))
                        : place(random, own);
                Thread.sleep(answered ? random.nextInt(pauseMillisMax + 1) : 50);
            }
        } catch (InterruptedException e) {
            // By close().
        } catch (RuntimeException e) {
            unexpected.add(e.toString());
        }
    }

    private boolean place(Random random, List<Long> own) throws InterruptedException {
        List<String> shuffled = new ArrayList<>(items);
        Collections.shuffle(shuffled, random);
        Map<String, Integer> lines = new TreeMap<>();
        shuffled.subList(0, 1 + random.nextInt(3)).forEach(name -> lines.put(name, 1 + random.nextInt(3)));
        // An order with a key is never in doubt in the end: its client sends it again until it has an answer.
        String key = random.nextBoolean() ? "key " + NEXT.incrementAndGet() : null;
        boolean isInDoubt = false;
        while (true) {
            try {
                HttpResponse<String> response = post("/orders?user_id=" + user, Map.of("items", lines), key);
                if (response.statusCode() == 201) {
                    JsonNode order = JSON.readTree(response.body());
                    accepted.put(order.get("id").longValue(), State.PLACED);
                    own.add(order.get("id").longValue());
                    return true;
                }
                recordRefusal(response);
                if (!response.body().contains("nothing was changed")) {
                    isInDoubt = true;
                    inDoubtAnswers.incrementAndGet();
                }
                if (response.statusCode() != 503) {
                    return false;
                }
            } catch (IOException e) {
                unanswered.incrementAndGet();
                isInDoubt = true;
            }
            if (!isInDoubt) {
                return false;
            }
            if (key == null) {
                inDoubt.incrementAndGet();
                return false;
            }
            Thread.sleep(50);
        }
    }

    private boolean cancel(long order) throws InterruptedException {
        accepted.put(order, State.MAYBE_CANCELLED);
        try {
            HttpResponse<String> response = post("/orders/" + order + "/cancel", Map.of());
            if (response.statusCode() != 200) {
                return recordRefusal(response);
            }
            accepted.put(order, State.CANCELLED);
            return true;
        } catch (IOException e) {
            unanswered.incrementAndGet();
            return false;
        }
    }

    private boolean recordRefusal(HttpResponse<String> response) {
        if (response.statusCode() == 503
                && response.headers().firstValue("Retry-After").isPresent()) {
            refused.incrementAndGet();
        } else {
            unexpected.add(response.request().uri() + " answered " + response.statusCode() + " " + response.body());
        }
        return false;
    }

    /** Places an order that none of the clients will cancel. */
    long placeOne() throws IOException, InterruptedException {
        HttpResponse<String> response = post("/orders?user_id=" + user, Map.of("items", Map.of(items.getFirst(), 1)));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(201);
        long order = JSON.readTree(response.body()).get("id").longValue();
        accepted.put(order, State.PLACED);
        return order;
    }

    /** Cancels an order. */
    void cancelOne(long order) throws InterruptedException {
        assertThat(cancel(order)).isTrue();
    }

    /** From now on the clients place orders as fast as they can, and cancel none. */
    void rush() {
        pauseMillisMax = 0;
        cancelPercent = 0;
    }

    /** Ends a {@link #rush}. */
    void calmDown() {
        pauseMillisMax = CALM_PAUSE_MILLIS_MAX;
        cancelPercent = 20;
    }

    /** Waits until {@code more} further orders are accepted. */
    void awaitAccepted(int more) {
        long before = accepted.size();
        await().alias(more + " more orders are accepted")
                .atMost(Duration.ofSeconds(120))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> accepted.size() >= before + more);
    }

    /** Stops the clients after their current calls. */
    void stop() throws InterruptedException {
        stopping = true;
        for (Thread thread : threads) {
            thread.join(Duration.ofSeconds(90));
            assertThat(thread.isAlive())
                    .as(thread.getName() + " is still waiting for a response")
                    .isFalse();
        }
    }

    /** The user of all orders. */
    long user() {
        return user;
    }

    /** How many calls to place an order are in doubt: the order may exist, although there was no 201. */
    long inDoubt() {
        return inDoubt.get();
    }

    /** How many calls to place an order were answered that it may or may not have been placed. */
    long inDoubtAnswers() {
        return inDoubtAnswers.get();
    }

    /** How many calls were answered with 503 and {@code Retry-After}. */
    long refusals() {
        return refused.get();
    }

    /** The accepted orders by id. */
    Map<Long, State> accepted() {
        return Map.copyOf(accepted);
    }

    /** Responses that must never occur. */
    List<String> unexpected() {
        return List.copyOf(unexpected);
    }

    @Override
    public String toString() {
        return "%,d orders accepted, %,d of them cancelled, %,d calls refused with 503, %,d without a response"
                .formatted(
                        accepted.size(),
                        accepted.values().stream()
                                .filter(State.CANCELLED::equals)
                                .count(),
                        refused.get(),
                        unanswered.get());
    }

    @Override
    public void close() {
        stopping = true;
        threads.forEach(Thread::interrupt);
        http.shutdownNow();
    }
}
