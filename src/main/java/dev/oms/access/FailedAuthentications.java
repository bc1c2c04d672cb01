package dev.oms.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.access.Quota.Decision;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * Limits how often an address may fail to authenticate. It cannot guess a key, but each attempt asks PostgreSQL.
 * Counted by each process: it protects itself. IPv6 addresses count by their network, /64, because one host has all of
 * that.
 */
@ApplicationScoped
class FailedAuthentications {
    private static final int IPV6_NETWORK_BYTES = 8;

    private static final Quota QUOTA = new Quota(20);

    /** The addresses that failed lately. When there are more, those that fail seldom are forgotten first. */
    private static final int ADDRESSES_MAX = 10_000;

    private final Cache<String, Long> arrivalMicros = Caffeine.newBuilder()
            .maximumSize(ADDRESSES_MAX)
            .expireAfterWrite(Duration.ofSeconds(2))
            .build();

    void add(String address) {
        arrivalMicros
                .asMap()
                .compute(networkOf(address), (same, arrival) -> take(arrival).arrivalMicros());
    }

    /** Whether an address has failed too often within the last second. */
    boolean areTooMany(String address) {
        return take(arrivalMicros.getIfPresent(networkOf(address))).granted() == 0;
    }

    private static String networkOf(String address) {
        try {
            return InetAddress.ofLiteral(address) instanceof Inet6Address ipv6
                    ? HexFormat.of().formatHex(ipv6.getAddress(), 0, IPV6_NETWORK_BYTES)
                    : address;
        } catch (IllegalArgumentException e) {
            return address;
        }
    }

    private static Decision take(Long arrival) {
        long now = TimeUnit.NANOSECONDS.toMicros(System.nanoTime());
        return QUOTA.take(1, 1, arrival == null ? now : arrival, now);
    }
}
