package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Two installations in one database: one finds its schema by {@code currentSchema} in its URL, the other by the search
 * path of its role.
 */
@Tag("full")
class SchemasIT {
    private static final int ORDERS = 40;

    private static EmbeddedServers servers;

    @BeforeAll
    static void startServers() {
        servers = EmbeddedServers.start();
        Ledger administrator = new Ledger(OmsServers.dataSource(servers.settings()));
        administrator.execute("create schema \"first Shop\"");
        administrator.execute("create role second login");
        administrator.execute("create schema second authorization second");
        administrator.execute("alter role second in database postgres set search_path = second");
    }

    @AfterAll
    static void stopServers() {
        servers.stop();
    }

    /** An installation: web, a worker, and what tells it from the other. */
    private static final class Installation implements AutoCloseable {
        private final OmsProcess web;
        private final OmsProcess worker;
        private final Ledger ledger;

        Installation(String name, String parameters, String user, int redis) throws IOException {
            Map<String, String> settings = new HashMap<>(servers.settings());
            settings.computeIfPresent("OMS_DB_URL", (key, url) -> url.replaceFirst("\\?.*", "?" + parameters));
            settings.put("OMS_DB_USER", user);
            settings.computeIfPresent("OMS_REDIS_URL", (key, url) -> url + "/" + redis);
            web = new OmsProcess("schemas-web-" + name + System.nanoTime(), "prod", settings);
            worker = new OmsProcess("schemas-worker-" + name + System.nanoTime(), "worker", settings);
            ledger = new Ledger(OmsServers.dataSource(settings));
        }

        String post(String path, String key, String body) throws IOException, InterruptedException {
            try (HttpClient client = HttpClient.newHttpClient()) {
                HttpRequest.Builder request = HttpRequest.newBuilder(web.uri(path))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body));
                if (key != null) {
                    request.header("Idempotency-Key", key);
                }
                HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
                assertThat(response.statusCode()).as(response.body()).isEqualTo(201);
                return response.body();
            }
        }

        @Override
        public void close() {
            web.close();
            worker.close();
        }
    }

    @Test
    void doNotNoticeEachOther() throws Exception {
        try (Installation first = new Installation("first", "currentSchema=%22first+Shop%22", "postgres", 0);
                Installation second = new Installation("second", "tcpKeepAlive=true", "second", 1);
                ExecutorService threads = Executors.newFixedThreadPool(8)) {
            // Both migrate at once.
            for (Installation each : List.of(first, second)) {
                each.web.start();
                each.worker.start();
            }
            for (Installation each : List.of(first, second)) {
                each.web.awaitReady();
                each.worker.awaitReady();
            }
            first.post("/inventory_items", null, "{\"name\":\"burger\",\"quantity\":1000,\"threshold\":0}");
            second.post("/inventory_items", null, "{\"name\":\"burger\",\"quantity\":10,\"threshold\":0}");
            List<Callable<String>> calls = new ArrayList<>();
            for (Installation each : List.of(first, second)) {
                each.post("/users", null, "{\"name\":\"Jo\",\"email\":\"jo@example.com\",\"phone\":\"0123456789\"}");
                for (int i = 0; i < ORDERS; i++) {
                    // The same users and keys in both.
                    String key = "key " + i;
                    calls.add(() -> each.post("/orders?user_id=1", key, "{\"items\":{\"burger\":1}}"));
                }
            }

            for (Future<String> placed : threads.invokeAll(calls)) {
                placed.get();
            }

            for (Installation each : List.of(first, second)) {
                each.ledger.awaitSettled();
                each.ledger.assertConsistent();
                assertThat(each.ledger.count("orders")).isEqualTo(ORDERS);
                assertThat(each.web.audit()).contains("\"status\":\"Complete\"", "\"count\":0");
            }
            assertThat(first.ledger.count("orders where status = 'Confirmed'")).isEqualTo(ORDERS);
            assertThat(second.ledger.count("orders where status = 'Confirmed'")).isEqualTo(10);
            assertThat(second.ledger.count("orders where status = 'Rejected'")).isEqualTo(ORDERS - 10);
        }
        assertThat(new Ledger(OmsServers.dataSource(servers.settings()))
                        .count("information_schema.tables where table_schema = 'public'"))
                .isZero();
    }
}
