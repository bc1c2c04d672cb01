package dev.oms.concurrency;

import static io.restassured.RestAssured.given;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Concurrent requests with the same idempotency key place one order. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class IdempotencyRaceTest {
    private static final int THREADS = 32;
    private static final int KEYS = 8;

    private final Ledger ledger = OmsServers.ledger();

    private long user;
    private String name;
    private long item;

    /** The response to one attempt with a key. */
    private record Answer(String key, int quantity, int status, boolean replayed, long order) {}

    @BeforeEach
    void setUp() {
        user = Shop.user();
        name = Shop.uniqueName();
        item = Shop.item(name, 1_000, 0);
    }

    @AfterEach
    void audit() {
        ledger.awaitSettled();
        ledger.assertConsistent();
        assertThat(ledger.count("orders o where not exists (select from order_lines where order_id = o.id)"))
                .isZero();
    }

    @Test
    void placesOneOrderPerKeyAndReplaysItToTheRest() throws Exception {
        List<Answer> answers = Concurrently.run(THREADS, attempts(1));
        ledger.awaitSettled();

        assertOneOrderPerKey(answers);
        assertThat(answers).allMatch(answer -> answer.status() == 201);
        assertThat(Shop.quantity(item)).isEqualTo(1_000 - KEYS);
    }

    @Test
    void rejectsDifferentOrdersWithTheSameKey() throws Exception {
        List<Answer> answers = Concurrently.run(THREADS, attempts(2));

        assertOneOrderPerKey(answers);
        byKey(answers).values().forEach(ofKey -> {
            int winner = ofKey.stream()
                    .filter(answer -> answer.status() == 201)
                    .findFirst()
                    .orElseThrow()
                    .quantity();
            assertThat(ofKey).allMatch(answer -> answer.status() == (answer.quantity() == winner ? 201 : 422));
        });
    }

    @Test
    void replacesAnExpiredKeyOnce() throws Exception {
        List<Answer> before = Concurrently.run(THREADS, attempts(1));
        ledger.execute(
                "update idempotency_keys set created_at = created_at - interval '2 days' where user_id = " + user);

        List<Answer> answers = Concurrently.run(THREADS, attempts(1));

        List<Answer> all = new ArrayList<>(before);
        all.addAll(answers);
        assertThat(all.stream().map(Answer::order).distinct()).hasSize(2 * KEYS);
        byKey(answers).values().forEach(IdempotencyRaceTest::assertOneOrder);
    }

    /**
     * 32 attempts for each key, those of a key next to each other.
     *
     * @param orders the number of different orders among the attempts of a key
     */
    private List<Callable<Answer>> attempts(int orders) {
        List<Callable<Answer>> attempts = new ArrayList<>();
        for (int n = 0; n < KEYS; n++) {
            String key = "key " + n;
            List<Callable<Answer>> ofKey = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int quantity = 1 + i % orders;
                ofKey.add(() -> attempt(key, quantity));
            }
            Collections.shuffle(ofKey, new Random(n));
            attempts.addAll(ofKey);
        }
        return attempts;
    }

    private Answer attempt(String key, int quantity) {
        Response response = given().contentType("application/json")
                .header("Idempotency-Key", key)
                .body(Map.of("items", Map.of(name, quantity)))
                .post("/orders?user_id=" + user);
        return new Answer(
                key,
                quantity,
                response.statusCode(),
                response.header("Idempotency-Replayed") != null,
                response.statusCode() == 201 ? response.jsonPath().getLong("id") : 0);
    }

    private void assertOneOrderPerKey(List<Answer> answers) {
        assertThat(answers).hasSize(KEYS * THREADS);
        assertThat(ledger.count("orders where user_id = " + user)).isEqualTo(KEYS);
        assertThat(byKey(answers)).hasSize(KEYS).values().allSatisfy(IdempotencyRaceTest::assertOneOrder);
    }

    private static void assertOneOrder(List<Answer> ofKey) {
        List<Answer> accepted =
                ofKey.stream().filter(answer -> answer.status() == 201).toList();
        assertThat(accepted.stream().map(Answer::order).distinct()).hasSize(1);
        assertThat(accepted.stream().filter(answer -> !answer.replayed())).hasSize(1);
    }

    private static Map<String, List<Answer>> byKey(List<Answer> answers) {
        return answers.stream().collect(groupingBy(Answer::key));
    }
}
