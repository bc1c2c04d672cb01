package dev.oms.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.access.ApiKeys.ValidKey;
import dev.oms.http.RedisConfig;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;

/** The quotas of the keys, and of the subjects of tokens, that have been used lately. */
@ApplicationScoped
class Quotas {
    /** The attribute of an identity that is its {@link SharedQuota}. */
    static final String ATTRIBUTE = "quota";

    private final AccessConfig config;
    private final ReactiveRedisDataSource redis;
    private final String keys;
    private final Cache<Id, SharedQuota> quotas =
            Caffeine.newBuilder().expireAfterAccess(Duration.ofHours(1)).build();

    Quotas(AccessConfig config, ReactiveRedisDataSource redis, RedisConfig redisConfig) {
        this.config = config;
        this.redis = redis;
        this.keys = redisConfig.key("quota:");
    }

    /** With the rate, because the tokens of one subject may differ in their roles. */
    private record Id(String name, Quota quota) {}

    SharedQuota of(ValidKey key) {
        return of(Long.toString(key.id()), key.rate() != null ? key.rate() : rate(key.userId()));
    }

    /** The quota of a subject. */
    SharedQuota of(Caller caller) {
        return of(caller.name(), rate(caller.userId()));
    }

    private int rate(Long userId) {
        return userId == null ? config.rate() : config.customerRate();
    }

    private SharedQuota of(String name, int rate) {
        return quotas.get(
                new Id(name, new Quota(rate)), id -> new SharedQuota(id.name, id.quota, redis, keys + id.name));
    }
}
