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

    /**
     * Counts an attempt as failed before its outcome is known, so that many at a time are limited too.
     *
     * @return false if the address has failed too often within the last second; then it is not counted
     */
    boolean add(String address) {
        long now = nowMicros();
        boolean[] isGranted = {false};
        arrivalMicros.asMap().compute(address, (same, arrival) -> {
            Decision decision = QUOTA.take(1, 1, arrival == null ? now : arrival, now);
            isGranted[0] = decision.granted() > 0;
            return decision.arrivalMicros();
        });
        return isGranted[0];
    }

    /** Takes back an attempt that did not fail. */
    void remove(String address) {
        arrivalMicros
                .asMap()
                .computeIfPresent(
                        address,
                        (same, arrival) -> arrival - QUOTA.take(1, 1, 0, 0).arrivalMicros());
    }

    private static long nowMicros() {
        return TimeUnit.NANOSECONDS.toMicros(System.nanoTime());
    }
}
