package dev.oms.concurrency;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.specification.RequestSpecification;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Of many concurrent updates based on the same version, one succeeds. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class LostUpdateTest {
    private static final int THREADS = 32;
    private static final int ROUNDS = 10;

    private final Ledger ledger = OmsServers.ledger();

    @AfterEach
    void audit() {
        ledger.awaitSettled();
        ledger.assertConsistent();
    }

    @Test
    void correctsAnItemOnce() throws Exception {
        long item = Shop.item(Shop.uniqueName(), 0, 0);
        for (int round = 0; round < ROUNDS; round++) {
            RequestSpecification request = ifUnchanged("/inventory_items/" + item);
            List<Callable<Integer>> counts = new ArrayList<>();
            for (int i = 1; i <= THREADS; i++) {
                Map<String, Integer> counted = Map.of("quantity", round * THREADS + i);
                counts.add(() -> given().spec(request)
                        .contentType("application/json")
                        .body(counted)
                        .put("/inventory_items/{id}", item)
                        .statusCode());
            }

            assertOneOf(Concurrently.run(THREADS, counts));
        }
        assertThat(ledger.count("stock_movements where kind = 'CORRECTION' and inventory_item_id = " + item))
                .isEqualTo(ROUNDS);
    }

    @Test
    void cancelsAnOrderOnce() throws Exception {
        String name = Shop.uniqueName();
        Shop.item(name, ROUNDS, 0);
        long user = Shop.user();
        for (int round = 0; round < ROUNDS; round++) {
            long order = Shop.order(user, Map.of(name, 1));
            Shop.settled(order);
            RequestSpecification request = ifUnchanged("/orders/" + order);

            assertOneOf(Concurrently.run(
                    THREADS,
                    Collections.nCopies(
                            THREADS,
                            () -> given().spec(request)
                                    .post("/orders/{id}/cancel", order)
                                    .statusCode())));
        }
    }

    /** A request that is conditional on the current version of a resource. */
    private static RequestSpecification ifUnchanged(String path) {
        String tag = given().get(path).then().statusCode(200).extract().header("ETag");
        return new io.restassured.builder.RequestSpecBuilder()
                .addHeader("If-Match", tag)
                .build();
    }

    private static void assertOneOf(List<Integer> answers) {
        assertThat(answers).containsOnly(200, 412).containsOnlyOnce(200);
    }
}
