package dev.oms.bench;

import dev.oms.process.OmsProcess;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/** Ten webhooks whose receiver answers, and ten that are dead: what the dead ones cost the others. */
final class DeadWebhooks implements AutoCloseable {
    static final int LIVE = 10;
    static final int DEAD = 10;

    private final BenchmarkServers servers;
    private final Vertx vertx = Vertx.vertx();
    private final WebhookGroup live;
    private final WebhookGroup dead;

    /** When each event came first, by the path of its webhook and its id. */
    private final Map<String, Instant> received = new ConcurrentHashMap<>();

    /** Creates the webhooks, disabled. */
    DeadWebhooks(BenchmarkServers servers, URI webhooks) throws Exception {
        this.servers = servers;
        String receiver = listen(this::receive);
        this.live = new WebhookGroup(
                servers,
                webhooks,
                IntStream.range(0, LIVE).mapToObj(i -> receiver + i).toList());
        // Vert.x answers nothing until it is told to: OMS waits until its time-out.
        String hanging = listen(request -> {});
        String failing = listen(request -> request.response().setStatusCode(500).end());
        String refusing = "http://127.0.0.1:%d/".formatted(OmsProcess.freePort());
        this.dead = new WebhookGroup(
                servers,
                webhooks,
                IntStream.range(0, DEAD)
                        .mapToObj(i -> (i % 3 == 0 ? hanging : i % 3 == 1 ? failing : refusing) + i)
                        .toList());
    }

    private String listen(Handler<HttpServerRequest> handler) throws Exception {
        return "http://127.0.0.1:%d/"
                .formatted(vertx.createHttpServer()
                        .requestHandler(handler)
                        .listen(0, "127.0.0.1")
                        .toCompletionStage()
                        .toCompletableFuture()
                        .get()
                        .actualPort());
    }

    private void receive(HttpServerRequest request) {
        Instant now = Instant.now();
        String key = request.path() + " " + request.getHeader("webhook-id");
        request.bodyHandler(body -> {
            received.putIfAbsent(key, now);
            request.response().setStatusCode(204).end();
        });
    }

    /** How many deliveries per second the live webhooks get without the dead ones. */
    Sample alone(int deliveries) throws Exception {
        live.enable();
        Sample sample = delivered(deliveries);
        live.disable();
        return sample;
    }

    /** How many they get when the dead ones are enabled as well, and have not failed yet. All stay enabled. */
    Sample besideNew(int deliveries) throws Exception {
        dead.enable();
        live.enable();
        return delivered(deliveries);
    }

    /** After that: how many they get when each of the dead ones has failed so often that it is paused. */
    Sample besidePaused(int deliveries) throws Exception {
        dead.awaitPaused();
        Sample sample = delivered(deliveries);
        live.disable();
        dead.disable();
        return sample;
    }

    private Sample delivered(int deliveries) throws Exception {
        received.clear();
        FeedLoad.add(servers, deliveries / LIVE);
        WebhookGroup.await(
                () -> received.size() == deliveries, () -> "%d deliveries have come".formatted(received.size()));
        return Sample.of((deliveries - 1) / WebhookLoad.secondsOf(received.values()));
    }

    @Override
    public void close() {
        live.close();
        dead.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
