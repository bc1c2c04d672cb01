package dev.oms.job;

import io.quarkus.scheduler.common.runtime.util.SchedulerUtils;
import io.smallrye.health.api.AsyncHealthCheck;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * A worker is ready while it can use Redis. Web accepts orders without Redis, so it stays ready.
 *
 * <p>Neither asks PostgreSQL: a process starts only if the database can be reached and has the schema it needs, and
 * from then on an outage is answered best by the process itself. If web were not ready, its clients would get the error
 * of whatever stands in front of it, instead of a 503 with {@code Retry-After}.
 */
@Readiness
@ApplicationScoped
class ConsumerReadiness implements AsyncHealthCheck {
    private final ProbeRedis redis;
    private final boolean isConsumer;

    ConsumerReadiness(ProbeRedis redis, JobConfig config) {
        this.redis = redis;
        this.isConsumer = !SchedulerUtils.isOff(config.consumer().every());
    }

    @Override
    public Uni<HealthCheckResponse> call() {
        if (!isConsumer) {
            return Uni.createFrom().item(HealthCheckResponse.up("Redis is not needed here"));
        }
        return redis.ask()
                .map(problem -> problem.map(found -> HealthCheckResponse.named("Redis")
                                .down()
                                .withData("problem", found.wire())
                                .build())
                        .orElseGet(() -> HealthCheckResponse.up("Redis")));
    }
}
