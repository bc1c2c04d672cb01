package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.oms.webhook.CheckAddresses.Refused;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckAddressesTest {
    private static final WebhookUrl HTTPS = WebhookUrl.parse("https://shop.example.com/hook");
    private static final WebhookUrl HTTP = WebhookUrl.parse("http://shop.example.com/hook");

    private static List<InetAddress> check(WebhookUrl url, String allowed, String... addresses) throws Exception {
        List<AddressRange> ranges = Stream.of(allowed.split(" "))
                .filter(range -> !range.isEmpty())
                .map(AddressRange::of)
                .toList();
        InetAddress[] answer = Stream.of(addresses).map(InetAddress::ofLiteral).toArray(InetAddress[]::new);
        return new CheckAddresses(ranges, host -> answer).resolve(url);
    }

    private static void assertRefused(String address) {
        assertThatThrownBy(() -> check(HTTPS, "", address))
                .as(address)
                .isInstanceOf(Refused.class)
                .hasMessage("address not allowed");
    }

    private static void assertAccepted(String address) throws Exception {
        assertThat(check(HTTPS, "", address)).containsExactly(InetAddress.ofLiteral(address));
    }

    /** The address before the range, its first and its last, and the one after it. */
    @ParameterizedTest
    @CsvSource({
        "0.0.0.0/8,          ,                                  0.0.0.0,       0.255.255.255,                           1.0.0.0",
        "10.0.0.0/8,         9.255.255.255,                     10.0.0.0,      10.255.255.255,                          11.0.0.0",
        "100.64.0.0/10,      100.63.255.255,                    100.64.0.0,    100.127.255.255,                         100.128.0.0",
        "127.0.0.0/8,        126.255.255.255,                   127.0.0.0,     127.255.255.255,                         128.0.0.0",
        "169.254.0.0/16,     169.253.255.255,                   169.254.0.0,   169.254.255.255,                         169.255.0.0",
        "172.16.0.0/12,      172.15.255.255,                    172.16.0.0,    172.31.255.255,                          172.32.0.0",
        "192.0.0.0/24,       191.255.255.255,                   192.0.0.0,     192.0.0.255,                             192.0.1.0",
        "192.0.2.0/24,       192.0.1.255,                       192.0.2.0,     192.0.2.255,                             192.0.3.0",
        "192.31.196.0/24,    192.31.195.255,                    192.31.196.0,  192.31.196.255,                          192.31.197.0",
        "192.52.193.0/24,    192.52.192.255,                    192.52.193.0,  192.52.193.255,                          192.52.194.0",
        "192.88.99.0/24,     192.88.98.255,                     192.88.99.0,   192.88.99.255,                           192.88.100.0",
        "192.168.0.0/16,     192.167.255.255,                   192.168.0.0,   192.168.255.255,                         192.169.0.0",
        "192.175.48.0/24,    192.175.47.255,                    192.175.48.0,  192.175.48.255,                          192.175.49.0",
        "198.18.0.0/15,      198.17.255.255,                    198.18.0.0,    198.19.255.255,                          198.20.0.0",
        "198.51.100.0/24,    198.51.99.255,                     198.51.100.0,  198.51.100.255,                          198.51.101.0",
        "203.0.113.0/24,     203.0.112.255,                     203.0.113.0,   203.0.113.255,                           203.0.114.0",
        "224.0.0.0/4,        223.255.255.255,                   224.0.0.0,     239.255.255.255,                         ",
        "240.0.0.0/4,        ,                                  240.0.0.0,     255.255.255.255,                         ",
        // IANA allocates addresses from 2000::/3 only, so what is beside the ranges outside is refused, too.
        "unspecified,        ,                                  ::,            ::,                                      ",
        "loopback,           ,                                  ::1,           ::1,                                     ",
        "compatible,         ,                                  ::2,           ::ffff:ffff,                             ",
        "NAT64,              ,                                  64:ff9b::,     64:ff9b::ffff:ffff,                      ",
        "local NAT64,        ,                                  64:ff9b:1::,   64:ff9b:1:ffff:ffff:ffff:ffff:ffff,      ",
        "discard,            ,                                  100::,         100::ffff:ffff:ffff:ffff,                ",
        "dummy,              ,                                  100:0:0:1::,   100:0:0:1:ffff:ffff:ffff:ffff,           ",
        "before 2000::/3,    ,                                  1fff::,        1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, 2000::",
        "2001::/23,          2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff, 2001::,   2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff,  2001:200::",
        "Teredo,             ,                                  2001::,        2001:0:ffff:ffff:ffff:ffff:ffff:ffff,    ",
        "benchmarking,       ,                                  2001:2::,      2001:2:0:ffff:ffff:ffff:ffff:ffff,       ",
        "AMT,                ,                                  2001:3::,      2001:3:ffff:ffff:ffff:ffff:ffff:ffff,    ",
        "AS112,              ,                                  2001:4:112::,  2001:4:112:ffff:ffff:ffff:ffff:ffff,     ",
        "ORCHID,             ,                                  2001:10::,     2001:1f:ffff:ffff:ffff:ffff:ffff:ffff,   ",
        "ORCHIDv2,           ,                                  2001:20::,     2001:2f:ffff:ffff:ffff:ffff:ffff:ffff,   ",
        "drones,             ,                                  2001:30::,     2001:3f:ffff:ffff:ffff:ffff:ffff:ffff,   ",
        "2001:db8::/32,      2001:db7:ffff:ffff:ffff:ffff:ffff:ffff, 2001:db8::, 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff, 2001:db9::",
        "2002::/16,          2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff, 2002::,   2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff, 2003::",
        "2620:4f:8000::/48,  2620:4f:7fff:ffff:ffff:ffff:ffff:ffff, 2620:4f:8000::, 2620:4f:8000:ffff:ffff:ffff:ffff:ffff, 2620:4f:8001::",
        "3fff::/20,          3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff, 3fff::,   3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff,  3fff:1000::",
        "after 2000::/3,     3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, 4000::,   4fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, ",
        "SRv6,               ,                                  5f00::,        5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff, ",
        "unique local,       ,                                  fc00::,        fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, ",
        "link-local,         ,                                  fe80::,        febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff, ",
        "site-local,         ,                                  fec0::,        feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, ",
        "multicast,          ,                                  ff00::,        ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, "
    })
    void refusesARangeFromItsFirstToItsLastAddress(String range, String before, String first, String last, String after)
            throws Exception {
        if (before != null) {
            assertAccepted(before);
        }
        assertRefused(first);
        assertRefused(last);
        if (after != null) {
            assertAccepted(after);
        }
    }

    /** So that a range that is added there is not forgotten here. */
    @Test
    void theTableHasEveryRange() throws NoSuchMethodException {
        List<AddressRange> table = Stream.of(getClass()
                        .getDeclaredMethod(
                                "refusesARangeFromItsFirstToItsLastAddress",
                                String.class,
                                String.class,
                                String.class,
                                String.class,
                                String.class)
                        .getAnnotation(CsvSource.class)
                        .value())
                .map(row -> row.split(",")[0])
                .filter(name -> name.matches("[0-9a-f:.]+/\\d+"))
                .map(AddressRange::of)
                .toList();

        assertThat(table).hasSize(23).containsAll(CheckAddresses.RESERVED_V4).containsAll(CheckAddresses.RESERVED_V6);
    }

    /** The address within is what counts: a mapped one is an IPv4 address to Java. */
    @Test
    void refusesAMappedAddress() {
        assertRefused("::ffff:127.0.0.1");
        assertRefused("::ffff:a00:1");
    }

    @Test
    void refusesANameOfWhichOneAddressIsPrivate() {
        assertThatThrownBy(() -> check(HTTPS, "", "1.1.1.1", "2606:4700::1111", "10.0.0.1"))
                .isInstanceOf(Refused.class);
    }

    @Test
    void acceptsANameOfWhichAllAddressesArePublic() throws Exception {
        assertThat(check(HTTPS, "", "1.1.1.1", "2606:4700::1111"))
                .extracting(InetAddress::getHostAddress)
                .containsExactly("1.1.1.1", "2606:4700:0:0:0:0:0:1111");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.1.2.3", "fd00::1", "::1"})
    void acceptsWhatIsAllowedWithoutTls(String address) throws Exception {
        assertThat(check(HTTP, "10.1.0.0/16 fd00::/64 ::1", address)).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.2.0.0", "fd00:0:0:1::", "::2", "127.0.0.1"})
    void refusesWhatIsBesideTheAllowed(String address) {
        assertThatThrownBy(() -> check(HTTPS, "10.1.0.0/16 fd00::/64 ::1", address))
                .isInstanceOf(Refused.class);
    }

    @Test
    void refusesAPublicAddressWithoutTls() {
        assertThatThrownBy(() -> check(HTTP, "10.1.0.0/16", "1.1.1.1"))
                .isInstanceOf(Refused.class)
                .hasMessage("https required");
    }

    @Test
    void knowsNoHostWithoutAddresses() {
        assertThatThrownBy(() -> check(HTTPS, "")).isInstanceOf(UnknownHostException.class);
    }
}
