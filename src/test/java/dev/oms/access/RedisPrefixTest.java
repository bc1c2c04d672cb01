package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.Streams;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.builder.RequestSpecBuilder;
import io.restassured.path.json.JsonPath;
import io.restassured.specification.RequestSpecification;
import io.vertx.redis.client.Command;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two installations share a Redis database. This one has a prefix of its own, the other the default. */
@QuarkusTest
@TestProfile(RedisPrefixTest.Prefix.class)
@WithTestResource(OmsServers.class)
class RedisPrefixTest {
    public static final class Prefix implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("oms.auth", "on", "oms.redis.prefix", "shop-b");
        }
    }

    private final Ledger ledger = OmsServers.ledger();
    private final Streams streams = OmsServers.streams();

    @AfterEach
    void empty() {
        RestAssured.requestSpecification = null;
        streams.redis(Command.FLUSHALL);
    }

    @Test
    void everyKeyHasThePrefixAndTheOthersKeysAreLeftAlone() {
        streams.redis(Command.FLUSHALL);
        String admin = TestKeys.admin(ledger);
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", "Bearer " + admin)
                .setContentType("application/json")
                .build();
        long user = Shop.user();
        String name = Shop.uniqueName();
        Shop.item(name, 100, 0);
        long first = Shop.order(user, Map.of(name, 1));
        streams.send("order_id", Long.toString(first));
        JsonPath key = RestAssured.given()
                .body(Map.of("name", "slow", "role", "storefront", "rate", 1))
                .post("/api_keys")
                .jsonPath();
        for (int i = 0; i < 10; i++) {
            assertThat(Shop.settled(Shop.order(user, Map.of(name, 1)))).isEqualTo("Confirmed");
        }
        RestAssured.given().get("/jobs").then().statusCode(200);
        RestAssured.requestSpecification = null;
        // The quota of a key that may ask once a second is kept for a second.
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            call(key.getString("key")).get("/orders");
            assertThat(keys("shop-b:quota:*")).contains("shop-b:quota:" + key.getLong("id"));
        });
        call(admin).post("/api_keys/{id}/revoke", key.getLong("id")).then().statusCode(200);

        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(keys("shop-b:*"))
                        .contains(
                                "shop-b:inventory-jobs",
                                "shop-b:workers",
                                "shop-b:reconciliation",
                                "shop-b:probe",
                                "shop-b:api-key-change")
                        .anyMatch(other -> other.startsWith("shop-b:flow:")));
        assertThat(keys("*")).filteredOn(other -> !other.startsWith("shop-b:")).containsExactly(Streams.JOBS);
        assertThat(streams.orderIds()).as("the jobs of the other").containsExactly(Long.toString(first));
        assertThat(streams.redis(Command.XINFO, "GROUPS", Streams.JOBS).size()).isZero();
        ledger.assertConsistent();
    }

    private static RequestSpecification call(String key) {
        return RestAssured.given().header("Authorization", "Bearer " + key).contentType("application/json");
    }

    private List<String> keys(String pattern) {
        return streams.redis(Command.KEYS, pattern).stream()
                .map(Object::toString)
                .toList();
    }
}
