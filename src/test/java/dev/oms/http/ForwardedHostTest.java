package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Behind a gateway for plain HTTP that replaces {@code Host} and is believed to forward the client's. */
@Tag("full")
@QuarkusTest
@TestProfile(ForwardedHostTest.BehindAGateway.class)
@WithTestResource(OmsServers.class)
class ForwardedHostTest {
    public static final class BehindAGateway implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of(
                    "quarkus.http.proxy.proxy-address-forwarding", "true",
                    "quarkus.http.proxy.enable-forwarded-host", "true",
                    "oms.job.consumer.every", "off",
                    "oms.job.reconciler.every", "off");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "shop.example, http://shop.example, 404",
        "shop.example:8080, http://shop.example:8080, 404",
        "shop.example, https://shop.example, 404",
        "shop.example, http://evil.example, 403",
        "shop.example, http://shop.example:8080, 403",
        "shop.example, http://web.internal:3000, 403"
    })
    void comparesTheOriginWithIt(String forwarded, String origin, int status) throws IOException {
        String request = "POST /orders/999999999/cancel HTTP/1.1\r\nHost: web.internal:3000\r\n"
                + "X-Forwarded-Host: %s\r\nOrigin: %s\r\nContent-Length: 0\r\n\r\n".formatted(forwarded, origin);

        RawHttp.Response response = RawHttp.exchange(
                RestAssured.port, request.getBytes(StandardCharsets.ISO_8859_1), false, Duration.ofSeconds(30));

        assertThat(response.status()).isEqualTo(status);
    }
}
