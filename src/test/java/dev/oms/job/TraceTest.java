package dev.oms.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.Streams;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Traces from the call that places an order to the batch that settles it, and their export. */
@Tag("full")
@QuarkusTest
@TestProfile(TraceTest.Traced.class)
@WithTestResource(OmsServers.class)
@WithTestResource(TraceTest.Receiver.class)
class TraceTest {
    public static final class Traced implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of(
                    "quarkus.otel.sdk.disabled", "false",
                    "quarkus.otel.exporter.otlp.protocol", "http/protobuf",
                    "quarkus.otel.bsp.schedule.delay", "200ms");
        }
    }

    /** A minimal OTLP receiver that records the bodies it is sent. */
    public static final class Receiver implements QuarkusTestResourceLifecycleManager {
        private static final List<String> BODIES = new CopyOnWriteArrayList<>();

        private HttpServer server;

        @Override
        public Map<String, String> start() {
            try {
                server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            server.createContext("/v1/traces", call -> {
                BODIES.add(new String(call.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1));
                call.sendResponseHeaders(200, -1);
                call.close();
            });
            server.start();
            return Map.of(
                    "quarkus.otel.exporter.otlp.endpoint",
                    "http://127.0.0.1:" + server.getAddress().getPort());
        }

        @Override
        public void stop() {
            server.stop(0);
        }
    }

    @Inject
    RecordedSpans spans;

    private final Ledger ledger = OmsServers.ledger();

    @Test
    void linksTheBatchToTheCall() {
        String name = Shop.uniqueName();
        Shop.item(name, 5, 0);
        long user = Shop.user();
        String trace = UUID.randomUUID().toString().replace("-", "");

        given().contentType(ContentType.JSON)
                .queryParam("user_id", user)
                .header("traceparent", "00-" + trace + "-00000000000000aa-01")
                .body(Map.of("items", Map.of(name, 1)))
                .post("/orders")
                .then()
                .statusCode(201);
        ledger.awaitSettled();

        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> assertThat(spans.ofTrace(trace))
                        .extracting(SpanData::getKind)
                        .contains(SpanKind.SERVER, SpanKind.CONSUMER));
        SpanData call = only(SpanKind.SERVER, trace);
        SpanData batch = only(SpanKind.CONSUMER, trace);
        assertThat(call.getName()).isEqualTo("POST /orders");
        assertThat(batch.getLinks()).extracting(LinkData::getSpanContext).anySatisfy(origin -> {
            assertThat(origin.getTraceId()).isEqualTo(trace);
            assertThat(origin.getSpanId()).isEqualTo(call.getSpanId());
        });
        assertThat(batch.getParentSpanId()).isEqualTo(call.getSpanId());
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> assertThat(Receiver.BODIES)
                        .anyMatch(body -> body.contains("POST /orders"))
                        .anyMatch(body -> body.contains("settle " + Streams.JOBS)));
    }

    @Test
    void doesNotTraceUnsampledCalls() {
        String name = Shop.uniqueName();
        Shop.item(name, 5, 0);
        long user = Shop.user();
        String trace = UUID.randomUUID().toString().replace("-", "");

        long order = given().contentType(ContentType.JSON)
                .queryParam("user_id", user)
                .header("traceparent", "00-" + trace + "-00000000000000aa-00")
                .body(Map.of("items", Map.of(name, 1)))
                .post("/orders")
                .jsonPath()
                .getLong("id");

        assertThat(Shop.settled(order)).isEqualTo("Confirmed");
        assertThat(spans.all())
                .noneMatch(span -> span.getTraceId().equals(trace))
                .flatExtracting(SpanData::getLinks)
                .noneMatch(link -> link.getSpanContext().getTraceId().equals(trace));
    }

    private SpanData only(SpanKind kind, String trace) {
        List<SpanData> found = spans.ofTrace(trace).stream()
                .filter(span -> span.getKind() == kind)
                .toList();
        assertThat(found).hasSize(1);
        return found.getFirst();
    }
}
