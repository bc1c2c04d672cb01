package dev.oms;

import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Inspects the stream of jobs, and adds entries that OMS itself would not. */
public final class Streams implements AutoCloseable {
    public static final String JOBS = "oms:inventory-jobs";

    private final Vertx vertx = Vertx.vertx();
    private final String redisUrl;

    public Streams(String redisUrl) {
        this.redisUrl = redisUrl;
    }

    /** Sends a command on a new connection, because Redis may have been restarted. */
    public Response redis(Command command, Object... arguments) {
        Request request = Request.cmd(command);
        for (Object argument : arguments) {
            request.arg(argument.toString());
        }
        Redis client = Redis.createClient(vertx, redisUrl);
        try {
            return client.send(request)
                    .toCompletionStage()
                    .toCompletableFuture()
                    .orTimeout(30, TimeUnit.SECONDS)
                    .join();
        } finally {
            client.close();
        }
    }

    /** Adds an entry with a single field. */
    public void send(String field, String value) {
        redis(Command.XADD, JOBS, "*", field, value);
    }

    /** The order ids of all jobs in the stream. */
    public List<String> orderIds() {
        return redis(Command.XRANGE, JOBS, "-", "+").stream()
                .map(entry -> entry.get(1).get(1).toString())
                .toList();
    }

    /** The number of jobs in the stream. */
    public long depth() {
        return redis(Command.XLEN, JOBS).toLong();
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
