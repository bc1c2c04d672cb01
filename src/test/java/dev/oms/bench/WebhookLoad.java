package dev.oms.bench;

import com.standardwebhooks.Webhook;
import dev.oms.event.Cursor;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A webhook of OMS with its receiver, and what a plain program does in its place: it posts to the same receiver, signed
 * as well, and keeps no account of it.
 */
final class WebhookLoad implements AutoCloseable {
    /** What OMS has under way at a time to one webhook, by default. */
    private static final int UNDER_WAY_MAX = 32;

    private static final Duration POLL_EVERY = Duration.ofMillis(1);

    private static final String READ = """
            select position, subject, subject_id, version, type, actor, detail::text, created_at
            from events where position > ? order by position limit 1000""";

    private static final String COMMITTED = """
            select position, pg_xact_commit_timestamp(xmin) from events where position > ? and position <= ?""";

    private final BenchmarkServers servers;
    private final Vertx vertx = Vertx.vertx();
    private final Vertx receiving = Vertx.vertx();
    private final HttpClient client = vertx.createHttpClient(new PoolOptions().setHttp1MaxSize(UNDER_WAY_MAX));
    private final long epoch;
    private final int receiver;
    private final WebhookGroup webhook;
    private final Webhook signing;

    /** When each event came first, by its position. */
    private final Map<Long, Instant> received = new ConcurrentHashMap<>();

    /** Creates the webhook, disabled. */
    WebhookLoad(BenchmarkServers servers, URI webhooks) throws Exception {
        this.servers = servers;
        this.epoch = servers.number("select system_identifier from pg_control_system()");
        this.receiver = receiving
                .createHttpServer()
                .requestHandler(this::receive)
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get()
                .actualPort();
        this.webhook = new WebhookGroup(servers, webhooks, List.of("http://127.0.0.1:" + receiver + "/"));
        this.signing = new Webhook(webhook.secrets().getFirst());
    }

    private void receive(HttpServerRequest request) {
        Instant now = Instant.now();
        long position = Cursor.parse(request.getHeader("webhook-id")).position();
        request.bodyHandler(body -> {
            received.putIfAbsent(position, now);
            request.response().setStatusCode(204).end();
        });
    }

    private void await(WebhookGroup.Condition condition) throws IOException, InterruptedException {
        WebhookGroup.await(condition, () -> "%d events have come".formatted(received.size()));
    }

    /** How many events OMS delivers per second when it has many to deliver, from the first to the last. */
    Sample delivered(int events) throws Exception {
        received.clear();
        webhook.enable();
        FeedLoad.add(servers, events);
        await(() -> received.size() == events);
        webhook.disable();
        return Sample.of((events - 1) / secondsOf(received.values()));
    }

    /** From the first to the last. */
    static double secondsOf(Collection<Instant> times) {
        Instant first = times.stream().min(Instant::compareTo).orElseThrow();
        Instant last = times.stream().max(Instant::compareTo).orElseThrow();
        return Duration.between(first, last).toNanos() / 1e9;
    }

    /** How many a plain client does. */
    Sample posted(int events) throws Exception {
        received.clear();
        AtomicInteger next = new AtomicInteger();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CountDownLatch ended = new CountDownLatch(UNDER_WAY_MAX);
        for (int i = 0; i < UNDER_WAY_MAX; i++) {
            postNext(next, events, failure, ended);
        }
        ended.await();
        if (failure.get() != null) {
            throw new IllegalStateException(failure.get());
        }
        return Sample.of((events - 1) / secondsOf(received.values()));
    }

    private void postNext(AtomicInteger next, int events, AtomicReference<Throwable> failure, CountDownLatch ended) {
        int position = next.incrementAndGet();
        if (position > events || failure.get() != null) {
            ended.countDown();
            return;
        }
        post(position, FeedLoad.event(new Cursor(epoch, position).toString(), position))
                .onFailure(e -> {
                    failure.set(e);
                    ended.countDown();
                })
                .onSuccess(answered -> postNext(next, events, failure, ended));
    }

    private Future<Void> post(long position, String body) {
        String id = new Cursor(epoch, position).toString();
        long timestamp = Instant.now().getEpochSecond();
        return client.request(HttpMethod.POST, receiver, "127.0.0.1", "/")
                .compose(request -> request.putHeader("Content-Type", "application/json")
                        .putHeader("webhook-id", id)
                        .putHeader("webhook-timestamp", Long.toString(timestamp))
                        .putHeader("webhook-signature", sign(id, timestamp, body))
                        .send(body))
                .compose(HttpClientResponse::end);
    }

    private String sign(String id, long timestamp, String body) {
        try {
            return signing.sign(id, timestamp, body);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Something that makes events. */
    interface Source {
        void run() throws Exception;
    }

    /** From the commit of each event until OMS has delivered it. */
    Sample followed(Source source) throws Exception {
        received.clear();
        webhook.enable();
        long from = lastPosition();
        source.run();
        long to = lastPosition();
        int events = (int) servers.number(
                "select count(*) from events where position > %d and position <= %d".formatted(from, to));
        await(() -> received.size() == events);
        Sample sample = sinceCommit(from, to);
        webhook.disable();
        return sample;
    }

    /** The same for a plain program that reads what is behind the last event it has seen, and may skip some. */
    Sample polled(Source source) throws Exception {
        received.clear();
        long from = lastPosition();
        Poller poller = new Poller(from);
        poller.start();
        source.run();
        long to = lastPosition();
        await(() -> received.containsKey(to));
        poller.end();
        return sinceCommit(from, to);
    }

    private final class Poller extends Thread {
        private long position;
        private volatile boolean isOver;
        private SQLException failure;

        Poller(long position) {
            this.position = position;
            setDaemon(true);
        }

        @Override
        public void run() {
            try (Connection connection = servers.connect();
                    PreparedStatement read = connection.prepareStatement(READ)) {
                while (!isOver) {
                    read.setLong(1, position);
                    try (ResultSet row = read.executeQuery()) {
                        while (row.next()) {
                            position = row.getLong(1);
                            post(
                                    position,
                                    new JsonObject()
                                            .put("id", new Cursor(epoch, position).toString())
                                            .put("type", row.getString(5))
                                            .put("subject", row.getString(2))
                                            .put("subject_id", row.getLong(3))
                                            .put("version", row.getLong(4))
                                            .put("actor", row.getString(6))
                                            .put("detail", row.getString(7))
                                            .put("created_at", row.getString(8))
                                            .encode());
                        }
                    }
                    Thread.sleep(POLL_EVERY);
                }
            } catch (SQLException e) {
                failure = e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        void end() throws Exception {
            isOver = true;
            join();
            if (failure != null) {
                throw failure;
            }
        }
    }

    private long lastPosition() {
        return servers.number("select max(position) from events");
    }

    private Sample sinceCommit(long from, long to) throws SQLException {
        List<Long> nanos = new ArrayList<>();
        try (Connection connection = servers.connect();
                PreparedStatement query = connection.prepareStatement(COMMITTED)) {
            query.setLong(1, from);
            query.setLong(2, to);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    Instant at = received.get(row.getLong(1));
                    if (at != null) {
                        Instant committedAt =
                                row.getObject(2, OffsetDateTime.class).toInstant();
                        nanos.add(Duration.between(committedAt, at).toNanos());
                    }
                }
            }
        }
        return Sample.of(
                (nanos.size() - 1) / secondsOf(received.values()),
                nanos.stream().mapToLong(Long::longValue).toArray());
    }

    @Override
    public void close() {
        webhook.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
        receiving.close().toCompletionStage().toCompletableFuture().join();
    }
}
