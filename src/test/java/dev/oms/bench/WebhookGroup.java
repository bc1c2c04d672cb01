package dev.oms.bench;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Webhooks of OMS that are enabled and disabled together. */
final class WebhookGroup implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    private final BenchmarkServers servers;
    private final HttpClient http = HttpClient.newHttpClient();
    private final URI resource;
    private final List<Long> ids = new ArrayList<>();
    private final List<String> secrets = new ArrayList<>();

    /**
     * Creates webhooks, disabled.
     *
     * @param resource {@code /webhooks}
     * @param urls where they send to
     */
    WebhookGroup(BenchmarkServers servers, URI resource, List<String> urls) throws IOException, InterruptedException {
        this.servers = servers;
        this.resource = resource;
        for (String url : urls) {
            JsonObject created = new JsonObject(
                    post(resource, new JsonObject().put("url", url).encode()));
            ids.add(created.getLong("id"));
            secrets.add(created.getString("secret"));
        }
        disable();
    }

    /** In the order of the URLs. */
    List<String> secrets() {
        return secrets;
    }

    private URI uri(String path) {
        return URI.create(resource + "/" + path);
    }

    private String post(URI uri, String json) throws IOException, InterruptedException {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(uri)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(json))
                        .build(),
                BodyHandlers.ofString());
        if (response.statusCode() / 100 != 2) {
            throw new IOException("%s was answered %d %s".formatted(uri, response.statusCode(), response.body()));
        }
        return response.body();
    }

    /** Has everything sent from now on, and waits until a worker does so. */
    void enable() throws IOException, InterruptedException {
        for (long id : ids) {
            post(uri(id + "/enable"), "{\"from_now\":true}");
        }
        await("lease is null and disabled_at is null");
        // It reads the end of the feed every 50 ms.
        Thread.sleep(500);
    }

    /** Has nothing sent from now on, and waits until no worker does. */
    void disable() throws IOException, InterruptedException {
        for (long id : ids) {
            post(uri(id + "/disable"), "{}");
        }
        await("lease is not null and disabled_at is not null");
        // A worker notices within a second, and leaves at most 2 seconds later.
        Thread.sleep(3_500);
    }

    /** Waits until each has failed so often that it gets one event at a time, after pauses. */
    void awaitPaused() throws IOException, InterruptedException {
        await("probe_at is null and id = any('{%s}')"
                .formatted(ids.stream().map(String::valueOf).collect(Collectors.joining(","))));
    }

    private void await(String noneIs) throws IOException, InterruptedException {
        String count = "select count(*) from webhook_endpoints where " + noneIs;
        await(() -> servers.number(count) == 0, () -> "There are webhooks of which " + noneIs);
    }

    interface Condition {
        boolean isTrue() throws IOException, InterruptedException;
    }

    static void await(Condition condition, Supplier<String> complaint) throws IOException, InterruptedException {
        long until = System.nanoTime() + TIMEOUT.toNanos();
        while (!condition.isTrue()) {
            if (System.nanoTime() - until > 0) {
                throw new IllegalStateException(complaint.get());
            }
            Thread.sleep(20);
        }
    }

    @Override
    public void close() {
        for (long id : ids) {
            http.sendAsync(
                            HttpRequest.newBuilder(uri(Long.toString(id)))
                                    .DELETE()
                                    .build(),
                            BodyHandlers.discarding())
                    .join();
        }
        http.close();
    }
}
