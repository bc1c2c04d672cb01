package dev.oms.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.access.ApiKeys.ValidKey;
import jakarta.enterprise.context.ApplicationScoped;

/** The quotas of the keys, and of the subjects of tokens, that have been used lately. */
@ApplicationScoped
class Quotas {
    /** The attribute of an identity that is its {@link SharedQuota}. */
    static final String ATTRIBUTE = "quota";

    /** Far more than are in use at a time. There is no expiry beside it: the native image lacks a cache with both. */
    private static final int QUOTAS_MAX = 10_000;

    private final AccessConfig config;
    private final RedisQuotas redis;
    private final Cache<Id, SharedQuota> quotas =
            Caffeine.newBuilder().maximumSize(QUOTAS_MAX).build();

    Quotas(AccessConfig config, RedisQuotas redis) {
        this.config = config;
        this.redis = redis;
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
        return quotas.get(new Id(name, new Quota(rate)), id -> new SharedQuota(id.name, id.quota, redis));
    }
}
