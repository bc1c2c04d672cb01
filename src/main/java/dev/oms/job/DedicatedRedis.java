package dev.oms.job;

import io.quarkus.redis.client.RedisOptionsCustomizer;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClientOptions;
import io.vertx.mutiny.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Instance;

/**
 * Opens Redis clients that have one connection each, configured like the shared client. The shared client's pool takes
 * a connection back although Redis still owes it replies; a dedicated client can be closed instead.
 */
@ApplicationScoped
class DedicatedRedis implements RedisOptionsCustomizer {
    // Looked up later: this bean is created before Vert.x's.
    private final Instance<Vertx> vertx;
    private volatile RedisOptions shared;

    DedicatedRedis(Instance<Vertx> vertx) {
        this.vertx = vertx;
    }

    @Override
    public void customize(String clientName, RedisOptions options) {
        shared = options;
    }

    /** Opens a client. Closing it closes the connection and fails every unanswered command. */
    Redis open() {
        RedisOptions options = new RedisOptions(shared)
                .setPoolName("jobs")
                .setMaxPoolSize(1)
                // A reader is silent for as long as its batch takes. Each of its commands has a deadline instead.
                .setNetClientOptions(new NetClientOptions(shared.getNetClientOptions()).setReadIdleTimeout(0));
        return Redis.newInstance(io.vertx.redis.client.Redis.createClient(vertx.get(), options));
    }
}
