package dev.oms.webhook;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/** A receiver of webhooks that remembers what it got, in the order in which it came. */
public final class TestReceiver implements AutoCloseable {
    private final Vertx vertx = Vertx.vertx();
    private final Queue<Received> received = new ConcurrentLinkedQueue<>();
    private final Queue<HttpServerResponse> held = new ConcurrentLinkedQueue<>();
    private final String origin;
    private volatile BiConsumer<Received, HttpServerResponse> behaviour;

    /** @param status what it was answered, or 0 if it was not */
    public record Received(String id, Map<String, List<String>> headers, String body, JsonObject event, int status) {
        public String type() {
            return event.getString("type");
        }

        public long subjectId() {
            return event.getLong("subject_id", 0L);
        }

        public long version() {
            return event.getLong("version", 0L);
        }

        private Received answered(int with) {
            return new Received(id, headers, body, event, with);
        }
    }

    public TestReceiver() throws Exception {
        this(accepting());
    }

    public TestReceiver(BiConsumer<Received, HttpServerResponse> behaviour) throws Exception {
        this(behaviour, new HttpServerOptions());
    }

    /** With TLS, which the options have. */
    public TestReceiver(BiConsumer<Received, HttpServerResponse> behaviour, HttpServerOptions options)
            throws Exception {
        this.behaviour = behaviour;
        int port = vertx.createHttpServer(options)
                .requestHandler(request -> request.bodyHandler(body -> receive(request, body)))
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get()
                .actualPort();
        this.origin = (options.isSsl() ? "https" : "http") + "://127.0.0.1:" + port;
    }

    public static BiConsumer<Received, HttpServerResponse> accepting() {
        return answering(204);
    }

    public static BiConsumer<Received, HttpServerResponse> answering(int status) {
        return (event, response) -> response.setStatusCode(status);
    }

    private void receive(HttpServerRequest request, Buffer body) {
        Map<String, List<String>> headers = new ConcurrentHashMap<>();
        request.headers().forEach(header -> headers.put(header.getKey(), List.of(header.getValue())));
        Received event =
                new Received(request.getHeader("webhook-id"), headers, body.toString(), body.toJsonObject(), 0);
        HttpServerResponse response = request.response().setStatusCode(0);
        behaviour.accept(event, response);
        received.add(event.answered(response.getStatusCode()));
        if (response.getStatusCode() == 0) {
            held.add(response);
        } else if (!response.headWritten()) {
            response.end();
        }
    }

    /**
     * What it does from now on: sets the status, or leaves it at 0 so that the request hangs. It may begin to write the
     * body, and then has to end it.
     */
    public void behave(BiConsumer<Received, HttpServerResponse> as) {
        behaviour = as;
    }

    /** Answers all that hang. */
    public void release(int status) {
        HttpServerResponse response = held.poll();
        while (response != null) {
            response.setStatusCode(status).end();
            response = held.poll();
        }
    }

    public String url() {
        return origin + "/hook";
    }

    public List<Received> received() {
        return new ArrayList<>(received);
    }

    /** The versions that were accepted, by subject, in the order in which they came. */
    public Map<Long, List<Long>> accepted() {
        return received.stream()
                .filter(each -> each.status() / 100 == 2)
                .collect(Collectors.groupingBy(
                        Received::subjectId, Collectors.mapping(Received::version, Collectors.toList())));
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
