package dev.oms.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.access.Quota.Decision;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Limits how often an address may fail to authenticate. It cannot guess a key, but each attempt asks PostgreSQL.
 * Counted by each process: it protects itself.
 */
@ApplicationScoped
class FailedAuthentications {
    private static final Quota QUOTA = new Quota(20);

    /** The addresses that failed lately; those that did so longest ago are forgotten first. */
    private static final int ADDRESSES_MAX = 10_000;

    private final Cache<String, Long> arrivalMicros = Caffeine.newBuilder()
            .maximumSize(ADDRESSES_MAX)
            .expireAfterWrite(Duration.ofSeconds(2))
            .build();

    void add(String address) {
        arrivalMicros.asMap().compute(address, (same, arrival) -> take(arrival).arrivalMicros());
    }

    /** Whether an address has failed too often within the last second. */
    boolean areTooMany(String address) {
        return take(arrivalMicros.getIfPresent(address)).granted() == 0;
    }

    private static Decision take(Long arrival) {
        long now = TimeUnit.NANOSECONDS.toMicros(System.nanoTime());
        return QUOTA.take(1, 1, arrival == null ? now : arrival, now);
    }
}
