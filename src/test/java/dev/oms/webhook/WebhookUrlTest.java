package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WebhookUrlTest {
    @ParameterizedTest
    @CsvSource({
        "https://shop.example.com, https://shop.example.com/",
        "HTTPS://Shop.Example.COM:443/Hook, https://shop.example.com/Hook",
        "http://shop:80?a=b, http://shop/?a=b",
        "https://shop.example.com:8443/a%20b/?c=d&e=%C3%A4, https://shop.example.com:8443/a%20b/?c=d&e=%C3%A4",
        "https://bücher.example/ä, ",
        "https://bücher.example, https://xn--bcher-kva.example/",
        "https://１.１.１.１/, https://1.1.1.1/",
        "https://shop。example。com/, https://shop.example.com/",
        "https://127.0.0.1, https://127.0.0.1/",
        "https://255.255.255.255/, https://255.255.255.255/",
        "'https://[2606:4700::1111]:8443/', 'https://[2606:4700:0:0:0:0:0:1111]:8443/'",
        "http://a-1.b2.c/, http://a-1.b2.c/"
    })
    void normalizes(String text, String normalized) {
        if (normalized == null) {
            assertThatThrownBy(() -> WebhookUrl.parse(text)).hasMessageContaining("valid path");
        } else {
            assertThat(WebhookUrl.parse(text)).hasToString(normalized);
            assertThat(WebhookUrl.parse(normalized)).hasToString(normalized);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "shop.example.com",
                "//shop.example.com/",
                "ftp://shop.example.com/",
                "file:///etc/passwd",
                "https:shop.example.com",
                "https:/shop.example.com",
                " https://shop.example.com",
                "https://",
                "https:///path",
                "https://user@shop.example.com/",
                "https://user:password@shop.example.com/",
                "https://shop.example.com@127.0.0.1/",
                "https://shop.example.com\\@127.0.0.1/",
                "https://shop.example.com/#fragment",
                "https://shop.example.com#",
                "https://shop.example.com#@127.0.0.1/",
                "https://shop.example.com/a b",
                "https://shop.example.com/a\\b",
                "https://shop.example.com/\r\nX: y",
                "https://shop.example.com\r\n/",
                "https://shop.example.com/%",
                "https://shop.example.com/ä",
                "https://shop.example.com/\0",
                "https://shop.example.com./",
                "https://.shop.example.com/",
                "https://shop..example.com/",
                "https://-shop.example.com/",
                "https://shop_1.example.com/",
                "https://shop%2eexample.com/",
                "https://%31%32%37.0.0.1/",
                "https://shop example.com/",
                "https://sh\u00adop.example.com/",
                "https://sh\u200bop.example.com/",
                "https://sh\u200dop.example.com/",
                "https://sh\u2060op.example.com/",
                "https://sh\u034fop.example.com/",
                "https://sh\u1806op.example.com/",
                "https://sh\ufe00op.example.com/",
                "\ufeffhttps://shop.example.com/",
                "https://shop.example.com\u202e/",
                "https://shop.example.com/\u200b",
                "https://shop*.example.com/",
                "https://127.1/",
                "https://127.0.0.1./",
                "https://127.0.0.01/",
                "https://0177.0.0.1/",
                "https://0x7f.1/",
                "https://0x7f.0.0.0x1/",
                "https://0x7f000001/",
                "https://2130706433/",
                "https://0/",
                "https://1.2.3.4.5/",
                "https://256.0.0.1/",
                "https://shop.0x/",
                "https://①②⑦.1/",
                "https://[::ffff:127.0.0.1]/",
                "https://[::ffff:7f00:1]/",
                "https://[fe80::1%25eth0]/",
                "https://[fe80::1%1]/",
                "https://[::1/",
                "https://::1/",
                "https://[]/",
                "https://[127.0.0.1]/",
                "https://[shop.example.com]/",
                "https://[::1]x/",
                "https://shop.example.com:/",
                "https://shop.example.com:0/",
                "https://shop.example.com:22/",
                "https://shop.example.com:25/",
                "https://shop.example.com:1023/",
                "https://shop.example.com:65536/",
                "https://shop.example.com:99999999999/",
                "https://shop.example.com:+443/",
                "https://shop.example.com:0443/",
                "https://shop.example.com:443:443/"
            })
    void objectsTo(String text) {
        assertThatThrownBy(() -> WebhookUrl.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("must (not |be |have |contain ).+[a-z0-9/]");
    }

    @Test
    void objectsToWhatIsTooLong() {
        String longest = "https://shop.example.com/" + "a".repeat(WebhookUrl.LENGTH_MAX - 25);

        assertThat(WebhookUrl.parse(longest)).hasToString(longest);
        assertThatThrownBy(() -> WebhookUrl.parse(longest + "a")).hasMessageContaining("2000 characters");
    }

    @ParameterizedTest
    @CsvSource({"https://shop.example.com:443, shop.example.com", "https://shop.example.com:80, shop.example.com:80"})
    void namesItsHostAsTheHeaderDoes(String text, String authority) {
        assertThat(WebhookUrl.parse(text).authority()).isEqualTo(authority);
    }
}
