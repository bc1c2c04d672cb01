package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Crashes and terminated sessions of PostgreSQL, the only server that must keep anything: what it has committed. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class PostgresFaultIT {
    private static final int TIMES = 3;

    @Test
    void survivesACrashOfPostgres(Cluster cluster, Random random) throws Exception {
        assertThat(cluster.servers().isDurable()).isTrue();

        cluster.underLoad(TIMES + " × PostgreSQL: immediate shutdown and restart", random, clients -> {
            for (int i = 0; i < TIMES; i++) {
                clients.awaitAccepted(100 + random.nextInt(200));
                cluster.servers().crashPostgres();
                respondsWithoutPostgres(cluster.web());
                Thread.sleep(random.nextInt(2_000));
                cluster.servers().restartPostgres();
                assertThat(cluster.servers().isDurable()).isTrue();
            }
        });
    }

    /** Web stays in service, so that its clients get its own 503 and not the error of a proxy. */
    private static void respondsWithoutPostgres(OmsProcess web) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            await().alias("oms_postgresql_up is 0")
                    .atMost(Duration.ofSeconds(30))
                    .until(() ->
                            get(client, web.managementUri("/q/metrics")).body().contains("oms_postgresql_up 0.0"));
            HttpResponse<String> ready = get(client, web.managementUri("/q/health/ready"));
            assertThat(ready.statusCode()).as(ready.body()).isEqualTo(200);
            HttpResponse<String> orders = get(client, web.uri("/orders"));
            assertThat(orders.statusCode()).isEqualTo(503);
            assertThat(orders.headers().firstValue("Retry-After")).isPresent();
        }
    }

    private static HttpResponse<String> get(HttpClient client, URI uri) {
        try {
            return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Pooled connections are from before the crash, and more than one call after the other finds them. */
    @Test
    void failsNoCallOnceTheServerIsBack(Cluster cluster, Random random) throws Exception {
        cluster.underLoad("PostgreSQL: none", random, clients -> clients.awaitAccepted(100));
        cluster.servers().crashPostgres();
        cluster.servers().restartPostgres();

        try (HttpClient client = HttpClient.newHttpClient()) {
            for (int i = 0; i < 30; i++) {
                assertThat(get(client, cluster.web().uri("/orders?limit=1")).statusCode())
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void survivesTheTerminationOfAllSessions(Cluster cluster, Random random) throws Exception {
        // More often than the other faults: what matters is how far a commit has got when its session ends.
        int times = 10 * TIMES;

        cluster.underLoad(times + " × PostgreSQL: every session terminated", random, clients -> {
            for (int i = 0; i < times; i++) {
                clients.awaitAccepted(10 + random.nextInt(50));
                assertThat(cluster.servers().terminateSessions()).isPositive();
            }
        });
    }

    @Test
    void showsNoAuditWhilePostgresIsDown(Cluster cluster) throws Exception {
        cluster.startAll();
        assertThat(cluster.web().audit()).contains("\"status\":\"Complete\"");

        cluster.servers().crashPostgres();
        try {
            assertThat(cluster.web().status("/inventory_items/audit")).isEqualTo(503);
        } finally {
            cluster.servers().restartPostgres();
        }
    }
}
