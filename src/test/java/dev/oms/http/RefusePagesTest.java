package dev.oms.http;

import static org.hamcrest.Matchers.nullValue;

import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The management port is for probes and Prometheus, not for a page in a browser that can reach it. */
@QuarkusTest
@TestProfile(RefusePagesTest.WithHosts.class)
@WithTestResource(OmsServers.class)
class RefusePagesTest {
    public static final class WithHosts implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("oms.http.management-hosts", "web-1.shop.example,web-2.shop.example");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/q/metrics", "/q/health", "/q/health/ready"})
    void aPageCannotReadIt(String path) {
        OmsServers.management().get(path).then().statusCode(200);
        OmsServers.management()
                .header("Origin", "https://evil.example")
                .get(path)
                .then()
                .statusCode(403)
                .header("Access-Control-Allow-Origin", nullValue());
    }

    /** What a page sends whose name has been made to resolve to this process (DNS rebinding): it has no Origin. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "evil.example:9000",
                "127.0.0.1.evil.example",
                "127.0.0.1.evil.example:9000",
                "localhost.evil.example",
                "web-1.shop.example.evil.example",
                "shop.example",
                "evil.example.",
                "xn--vil-bma.example"
            })
    void aPageOfAReboundNameCannotReadIt(String host) {
        for (String path : new String[] {"/q/metrics", "/q/health/ready", "/q/nothing"}) {
            OmsServers.management().header("Host", host).get(path).then().statusCode(403);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "LOCALHOST:9000",
                "127.0.0.1",
                "10.1.2.3:9000",
                "[::1]",
                "[fd00::1]:9000",
                "web",
                "oms-web-1:9000",
                "web-1.shop.example:9000",
                "WEB-2.shop.example"
            })
    void probesAndPrometheusCanReadIt(String host) {
        OmsServers.management().header("Host", host).get("/q/metrics").then().statusCode(200);
    }
}
