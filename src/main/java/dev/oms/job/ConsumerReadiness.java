package dev.oms.job;

import io.quarkus.redis.datasource.RedisDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** A worker is ready while Redis answers. Web accepts orders without Redis, so it stays ready. */
@Readiness
@ApplicationScoped
class ConsumerReadiness implements HealthCheck {
    private final RedisDataSource redis;
    private final boolean isConsumer;

    ConsumerReadiness(RedisDataSource redis, JobConfig config) {
        this.redis = redis;
        this.isConsumer = !config.consumer().every().equals("off");
    }

    @Override
    public HealthCheckResponse call() {
        if (!isConsumer) {
            return HealthCheckResponse.up("Redis is not needed here");
        }
        try {
            redis.execute("PING");
            return HealthCheckResponse.up("Redis");
        } catch (RuntimeException e) {
            return HealthCheckResponse.down("Redis");
        }
    }
}
