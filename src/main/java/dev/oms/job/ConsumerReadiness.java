package dev.oms.job;

import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.scheduler.common.runtime.util.SchedulerUtils;
import io.smallrye.health.api.AsyncHealthCheck;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * A worker is ready while Redis answers. Web accepts orders without Redis, so it stays ready.
 *
 * <p>Neither asks PostgreSQL: a process starts only if the database can be reached and has the schema it needs, and
 * from then on an outage is answered best by the process itself. If web were not ready, its clients would get the error
 * of whatever stands in front of it, instead of a 503 with {@code Retry-After}.
 */
@Readiness
@ApplicationScoped
class ConsumerReadiness implements AsyncHealthCheck {
    /** Below the time-out of a probe. */
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final ReactiveRedisDataSource redis;
    private final boolean isConsumer;

    ConsumerReadiness(ReactiveRedisDataSource redis, JobConfig config) {
        this.redis = redis;
        this.isConsumer = !SchedulerUtils.isOff(config.consumer().every());
    }

    @Override
    public Uni<HealthCheckResponse> call() {
        if (!isConsumer) {
            return Uni.createFrom().item(HealthCheckResponse.up("Redis is not needed here"));
        }
        return redis.execute("PING")
                .ifNoItem()
                .after(TIMEOUT)
                .fail()
                .replaceWith(() -> HealthCheckResponse.up("Redis"))
                .onFailure()
                .recoverWithItem(() -> HealthCheckResponse.down("Redis"));
    }
}
