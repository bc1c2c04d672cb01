package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.nullValue;

import dev.oms.LogLines;
import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
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

    @ParameterizedTest
    @ValueSource(strings = {"/q/health/%zz", "/%zz", "/q/metrics?x=%zz", "/q/metrics;x"})
    void anInvalidUriIsRefusedWithAProblemAndNotLogged(String uri) throws IOException {
        try (LogLines log = new LogLines("")) {
            RawHttp.Response response = RawHttp.exchange(
                    OmsServers.managementPort(),
                    "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n".formatted(uri).getBytes(StandardCharsets.ISO_8859_1),
                    false,
                    Duration.ofSeconds(10));

            assertThat(response.status()).isEqualTo(uri.contains(";") ? 404 : 400);
            assertThat(response.header("Content-Type")).isEqualTo(Problem.MEDIA_TYPE);
            assertThat(log.lines()).noneMatch(line -> line.startsWith("ERROR"));
        }
    }
}
