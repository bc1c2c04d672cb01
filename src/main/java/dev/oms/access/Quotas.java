package dev.oms.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.access.ApiKeys.ValidKey;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;

/** The quotas of the keys that have been used lately. */
@ApplicationScoped
class Quotas {
    /** The attribute of an identity that is its {@link SharedQuota}. */
    static final String ATTRIBUTE = "quota";

    private final AccessConfig config;
    private final ReactiveRedisDataSource redis;
    private final Cache<Long, SharedQuota> quotas =
            Caffeine.newBuilder().expireAfterAccess(Duration.ofHours(1)).build();

    Quotas(AccessConfig config, ReactiveRedisDataSource redis) {
        this.config = config;
        this.redis = redis;
    }

    SharedQuota of(ValidKey key) {
        int rate = key.rate() != null ? key.rate() : key.userId() == null ? config.rate() : config.customerRate();
        return quotas.get(key.id(), id -> new SharedQuota(Long.toString(id), new Quota(rate), redis));
    }
}
