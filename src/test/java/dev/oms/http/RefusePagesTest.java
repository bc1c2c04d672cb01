package dev.oms.http;

import static org.hamcrest.Matchers.nullValue;

import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The management port is for probes and Prometheus, not for a page in a browser that can reach it. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class RefusePagesTest {
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
}
