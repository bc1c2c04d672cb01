package dev.oms.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;

import dev.oms.Ledger;
import dev.oms.LogLines;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.Streams;
import dev.oms.access.TestKeys;
import dev.oms.access.WithKeys;
import dev.oms.process.OmsProcess;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.builder.RequestSpecBuilder;
import io.restassured.http.ContentType;
import io.restassured.path.json.JsonPath;
import io.vertx.redis.client.Command;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import redis.embedded.RedisServer;

/** A node of a Redis cluster, with a user that has exactly the rights in operating.md, and then not even scripts. */
@Tag("full")
@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
@WithTestResource(RestrictedRedisTest.ClusterNode.class)
@Timeout(120)
class RestrictedRedisTest {
    /** A Redis in cluster mode that has all slots. */
    public static final class ClusterNode implements QuarkusTestResourceLifecycleManager {
        private static final int SLOTS = 16_384;

        /** A node also listens on the port 10,000 above. */
        private static final int PORT_MAX = 55_535;

        private static Streams admin;
        private RedisServer server;

        @Override
        public int order() {
            // After OmsServers, whose Redis this one replaces.
            return 1;
        }

        @Override
        public Map<String, String> start() {
            try {
                int port = OmsProcess.freePort();
                while (port > PORT_MAX) {
                    port = OmsProcess.freePort();
                }
                server = RedisServer.newRedisServer()
                        .bind("127.0.0.1")
                        .port(port)
                        .setting("save \"\"")
                        .setting("dir " + Files.createTempDirectory("oms-cluster"))
                        .setting("cluster-enabled yes")
                        .build();
                server.start();
                admin = new Streams("redis://localhost:" + port);
                List<Object> addSlots = new ArrayList<>(List.of("ADDSLOTS"));
                for (int slot = 0; slot < SLOTS; slot++) {
                    addSlots.add(slot);
                }
                admin.redis(Command.CLUSTER, addSlots.toArray());
                await().atMost(Duration.ofSeconds(30))
                        .until(() ->
                                admin.redis(Command.CLUSTER, "INFO").toString().contains("cluster_state:ok"));
                admin.redis(Command.ACL, documentedRights());
                return Map.of("quarkus.redis.hosts", "redis://oms:PASSWORD@localhost:" + port);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static Object[] documentedRights() throws IOException {
            Matcher command = Pattern.compile("(?m)^ACL (SETUSER oms .*)$")
                    .matcher(Files.readString(Path.of("src/site/markdown/operating.md")));
            assertThat(command.find()).isTrue();
            return command.group(1).split(" ");
        }

        @Override
        public void stop() {
            try {
                admin.close();
                server.stop();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Inject
    RedisDataSource redis;

    @Inject
    Workers workers;

    private final Ledger ledger = OmsServers.ledger();

    private final String admin = TestKeys.admin(ledger);

    @BeforeEach
    void sendTheKey() {
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", "Bearer " + admin)
                .build();
    }

    @AfterEach
    void sendNoKey() {
        RestAssured.requestSpecification = null;
    }

    @Test
    void ordersSettleAndCallsAreLimited() {
        assertThatThrownBy(() -> redis.execute("SET", "another:key", "x")).hasMessageContaining("NOPERM");
        assertThatThrownBy(() -> redis.execute("FLUSHALL")).hasMessageContaining("NOPERM");
        try (LogLines log = new LogLines("dev.oms")) {
            useOms();
            useLimitedKey(true);
            assertThat(warnings(log)).isEmpty();

            ClusterNode.admin.redis(Command.ACL, "SETUSER", "oms", "-@scripting");
            useOms();
            useLimitedKey(false);

            assertThat(warnings(log))
                    .singleElement()
                    .asString()
                    .startsWith("WARN Redis does not keep the quotas: each process limits calls by itself (NOPERM ");
        }
    }

    private static List<String> warnings(LogLines log) {
        return log.lines().stream()
                .filter(line -> line.startsWith("WARN") || line.startsWith("ERROR"))
                .toList();
    }

    /** A key that may ask twice a second is refused once it has. Then it is revoked, which Redis tells. */
    private void useLimitedKey(boolean isShared) {
        JsonPath key = given().contentType(ContentType.JSON)
                .body(Map.of("name", "limited", "role", "storefront", "rate", 2))
                .post("/api_keys")
                .jsonPath();
        String quota = "oms:quota:" + key.getLong("id");
        RestAssured.requestSpecification = null;

        await().atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(10))
                // What is in Redis expires when the quota is full again.
                .until(() -> statusOf(key) == 429
                        && (ClusterNode.admin.redis(Command.EXISTS, quota).toInteger() == 1) == isShared);
        await().atMost(Duration.ofSeconds(30)).until(() -> statusOf(key) == 200);

        sendTheKey();
        String change = lastChange();
        given().post("/api_keys/{id}/revoke", key.getLong("id")).then().statusCode(200);
        await().atMost(Duration.ofSeconds(30)).until(() -> !lastChange().equals(change));
    }

    private static int statusOf(JsonPath key) {
        return given().header("Authorization", "Bearer " + key.getString("key"))
                .get("/orders?limit=1")
                .statusCode();
    }

    private static String lastChange() {
        return String.valueOf(ClusterNode.admin.redis(Command.GET, "oms:api-key-change"));
    }

    private void useOms() {
        long user = Shop.user();
        String name = Shop.uniqueName();
        Shop.item(name, 100, 0);
        assertThat(Shop.settled(Shop.order(user, Map.of(name, 1)))).isEqualTo("Confirmed");

        // Stream and group are lost.
        ClusterNode.admin.redis(Command.DEL, Streams.JOBS);
        assertThat(Shop.settled(Shop.order(user, Map.of(name, 1)))).isEqualTo("Confirmed");
        given().get("/jobs")
                .then()
                .statusCode(200)
                .body("redis_problem", equalTo(null))
                .body("workers[0].started_at", notNullValue())
                .body("last_reconciliation", notNullValue());
        OmsServers.management().get("/q/health/ready").then().statusCode(200);

        ClusterNode.admin.redis(Command.XGROUP, "CREATECONSUMER", Streams.JOBS, InventoryJobQueue.GROUP, "idle");
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            workers.dropIdle(Duration.ofMillis(1_500));
            return workers.list().stream().noneMatch(worker -> worker.name().equals("idle"));
        });
        ledger.assertConsistent();
    }
}
