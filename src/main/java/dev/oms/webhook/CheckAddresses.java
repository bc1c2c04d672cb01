package dev.oms.webhook;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;

/**
 * Decides to which addresses webhooks may be sent, so that nobody reaches with them what only the worker can reach
 * (server-side request forgery).
 *
 * <ul>
 *   <li>An address must be public: global unicast, and in none of the ranges that IANA has reserved for anything else.
 *   <li>Exceptions are the ranges that {@code OMS_WEBHOOKS_ALLOW} names. Only they may be reached by plain
 *       {@code http}.
 *   <li>A name is resolved here once. If any of its addresses is refused, all are. The sender must connect to one of
 *       the addresses returned and not resolve the name again: a second look-up may answer differently.
 * </ul>
 *
 * <p>The ranges are those of the registries as of October 2025, whether globally reachable or not, since no receiver of
 * webhooks lives in any of them. They change less than once a year.
 *
 * @see <a href="https://www.iana.org/assignments/iana-ipv4-special-registry">IANA's special-purpose IPv4 addresses</a>
 * @see <a href="https://www.iana.org/assignments/iana-ipv6-special-registry">IANA's special-purpose IPv6 addresses</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc4291#section-2.4">RFC 4291 §2.4, of which IANA allocates 2000::/3</a>
 */
@ApplicationScoped
class CheckAddresses {
    static final List<AddressRange> RESERVED_V4 = ranges(
            "0.0.0.0/8", // this network
            "10.0.0.0/8", // private
            "100.64.0.0/10", // carrier-grade NAT
            "127.0.0.0/8", // loopback
            "169.254.0.0/16", // link-local, with the metadata of clouds
            "172.16.0.0/12", // private
            "192.0.0.0/24", // protocol assignments
            "192.0.2.0/24", // documentation
            "192.31.196.0/24", // AS112
            "192.52.193.0/24", // multicast tunnels (AMT)
            "192.88.99.0/24", // relays of 6to4
            "192.168.0.0/16", // private
            "192.175.48.0/24", // AS112
            "198.18.0.0/15", // benchmarking
            "198.51.100.0/24", // documentation
            "203.0.113.0/24", // documentation
            "224.0.0.0/4", // multicast
            "240.0.0.0/4"); // reserved, with broadcast

    /**
     * All that IANA has allocated for global unicast. Outside are the unspecified address, loopback, IPv4-mapped and
     * -compatible addresses, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), discard and dummy (100::/64, 100:0:0:1::/64),
     * SRv6 (5f00::/16), unique local (fc00::/7), link-local, site-local and multicast.
     */
    static final AddressRange GLOBAL_V6 = AddressRange.of("2000::/3");

    /** Within {@link #GLOBAL_V6}. */
    static final List<AddressRange> RESERVED_V6 = ranges(
            "2001::/23", // protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, ORCHIDv2, drones
            "2001:db8::/32", // documentation
            "2002::/16", // 6to4
            "2620:4f:8000::/48", // AS112
            "3fff::/20"); // documentation

    private final List<AddressRange> allowed;
    private final Resolver resolver;

    @Inject
    CheckAddresses(WebhookConfig config) {
        this(config.allow().orElse(List.of()), InetAddress::getAllByName);
    }

    CheckAddresses(List<AddressRange> allowed, Resolver resolver) {
        this.allowed = allowed;
        this.resolver = resolver;
    }

    /** Looks up the addresses of a name. */
    @FunctionalInterface
    interface Resolver {
        InetAddress[] resolve(String host) throws UnknownHostException;
    }

    /** Why nothing is sent to a URL. The message is for the owner of the endpoint. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        private final String rule;

        Refused(String message, String rule) {
            super(message);
            this.rule = rule;
        }

        /** What the URL must be like: the continuation of a sentence that begins with the name of the field. */
        String rule() {
            return rule;
        }
    }

    private static List<AddressRange> ranges(String... ranges) {
        return Stream.of(ranges).map(AddressRange::of).toList();
    }

    /**
     * The addresses to which a request to this URL may connect, in the order in which to try them; at least one. Blocks
     * for as long as the name server takes.
     *
     * @throws UnknownHostException when the name has no address
     * @throws Refused when any of its addresses may not be sent to, or none could be
     */
    List<InetAddress> resolve(WebhookUrl url) throws UnknownHostException, Refused {
        if (!url.isTls() && allowed.isEmpty()) {
            throw httpsRequired();
        }
        List<InetAddress> addresses = List.of(resolver.resolve(url.host()));
        if (addresses.isEmpty()) {
            throw new UnknownHostException();
        }
        for (InetAddress address : addresses) {
            if (isAllowed(address)) {
                continue;
            }
            if (!isPublic(address)) {
                throw new Refused(
                        "address not allowed", "must have a public address, or one that OMS_WEBHOOKS_ALLOW names");
            }
            if (!url.isTls()) {
                throw httpsRequired();
            }
        }
        return addresses;
    }

    private static Refused httpsRequired() {
        return new Refused("https required", "must begin with https://, unless OMS_WEBHOOKS_ALLOW names its address");
    }

    private boolean isAllowed(InetAddress address) {
        return contains(allowed, address);
    }

    static boolean isPublic(InetAddress address) {
        return address instanceof Inet4Address
                ? !contains(RESERVED_V4, address)
                : GLOBAL_V6.contains(address) && !contains(RESERVED_V6, address);
    }

    private static boolean contains(List<AddressRange> ranges, InetAddress address) {
        return ranges.stream().anyMatch(range -> range.contains(address));
    }
}
