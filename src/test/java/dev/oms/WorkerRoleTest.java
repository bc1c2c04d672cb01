package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import dev.oms.process.OmsProcess;
import io.quarkus.scheduler.Scheduler;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.enterprise.inject.spi.CDI;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The worker role as configured for production: a consumer, and nothing of the API. */
@Tag("full")
@QuarkusTest
@TestProfile(WorkerRoleTest.Worker.class)
@WithTestResource(OmsServers.class)
class WorkerRoleTest {
    private static final String HTTP_PORT = "oms.test.worker-role-port";

    private final Ledger ledger = OmsServers.ledger();

    private final Streams streams = OmsServers.streams();

    public static final class Worker implements QuarkusTestProfile {
        @Override
        public String getConfigProfile() {
            return "worker";
        }

        @Override
        public Map<String, String> getConfigOverrides() {
            // A system property, because this class is loaded more than once.
            String port = (String) System.getProperties().computeIfAbsent(HTTP_PORT, name -> freePort());
            return Map.of("quarkus.http.test-port", port);
        }

        private static String freePort() {
            try {
                return Integer.toString(OmsProcess.freePort());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Test
    void settlesDueOrders() {
        String name = Shop.uniqueName();
        ledger.execute("""
                with u as (insert into users (name, email, phone, created_at, updated_at)
                        select 'W', '%1$s', '%1$s', now(), now() returning id),
                    i as (insert into inventory_items (name, quantity, threshold, created_at, updated_at)
                        values ('%1$s', 5, 0, now(), now()) returning id),
                    m as (insert into stock_movements (inventory_item_id, kind, delta, quantity_after, created_at)
                        select id, 'OPENING', 5, 5, now() from i),
                    o as (insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
                        select id, 'Pending', 'DEDUCTION', now(), now(), now() from u returning id)
                insert into order_lines select o.id, i.id, 2 from o, i""".formatted(name));
        String placed =
                "orders o join order_lines l on l.order_id = o.id join inventory_items i on i.id = l.inventory_item_id"
                        + " where i.name = '" + name + "'";

        streams.send("order_id", ledger.texts("select o.id from " + placed).getFirst());
        ledger.awaitSettled();

        assertThat(ledger.texts("select o.status || ' ' || i.quantity from " + placed))
                .containsExactly("Confirmed 3");
        ledger.assertConsistent();
    }

    @Test
    @DisabledOnIntegrationTest("The scheduler is visible only inside the process")
    void purgesIdempotencyKeys() {
        assertThat(CDI.current().select(Scheduler.class).get().getScheduledJobs())
                .anyMatch(job -> job.getMethodDescription().contains("PurgeIdempotencyKeys"));
    }

    /** The port of the API, which it would open if it were a web. */
    @Test
    void opensNoOtherPort() {
        assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), Integer.getInteger(HTTP_PORT)).close())
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void exportsMetrics() {
        OmsServers.management().get("/q/metrics").then().statusCode(200).body(containsString("oms_jobs"));
    }

    @ParameterizedTest
    @MethodSource("dev.oms.kubernetes.Probes#paths")
    void respondsToItsProbes(String path) {
        OmsServers.management().get(path).then().statusCode(200);
    }

    @Test
    void isReadyOnlyWithRedis() throws IOException {
        OmsServers.management().get("/q/health/ready").then().statusCode(200);
        OmsServers.servers().stopRedis();
        try {
            OmsServers.management()
                    .get("/q/health/ready")
                    .then()
                    .statusCode(503)
                    .body("status", equalTo("DOWN"));
            OmsServers.management().get("/q/health/live").then().statusCode(200);
        } finally {
            OmsServers.servers().startRedis();
        }
    }
}
