package dev.oms.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.http.Actor;
import dev.oms.http.IdempotencyKey;
import dev.oms.http.Problem.FieldError;
import dev.oms.http.ProblemException;
import dev.oms.inventory.AdjustItem.Adjusted;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An adjustment that is impossible at first, while others adjust the item too. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class AdjustItemTest {
    @Inject
    AdjustItem adjustItem;

    @Inject
    StockMovements movements;

    private final Ledger ledger = OmsServers.ledger();
    private long item;

    @BeforeEach
    void setUp() {
        item = Shop.item(Shop.uniqueName(), 5, 0);
    }

    @AfterEach
    void audit() {
        ledger.assertConsistent();
    }

    @Test
    void appliesWhatHasBecomePossible() {
        InventoryItem adjusted =
                after(95).adjust(item, by(-10), Actor.API, null).item();

        assertThat(adjusted.quantity()).isEqualTo(90);
        assertThat(Shop.quantity(item)).isEqualTo(90);
    }

    @Test
    void refusesBecauseOfTheQuantityThatItStates() {
        assertThatThrownBy(() -> after(-3).adjust(item, by(-10), Actor.API, null))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().errors())
                                .containsExactly(new FieldError("delta", "must not lower the quantity, 2, below 0")));

        assertThat(Shop.quantity(item)).isEqualTo(2);
    }

    /** As a browser repeats a request whose connection is lost, while the first one is still being served. */
    @Test
    void adjustsOncePerKey() throws Exception {
        try (ExecutorService clients = Executors.newFixedThreadPool(8)) {
            List<Future<Adjusted>> sent = clients.invokeAll(Collections.nCopies(
                    40, () -> adjustItem.adjust(item, by(-2), Actor.API, new IdempotencyKey("same"))));

            List<Adjusted> answers = new ArrayList<>();
            for (Future<Adjusted> each : sent) {
                answers.add(each.get());
            }
            assertThat(answers.stream().filter(answer -> !answer.replayed())).hasSize(1);
            assertThat(answers).allMatch(answer -> answer.item().quantity() == 3);
        }
        assertThat(Shop.quantity(item)).isEqualTo(3);
    }

    @Test
    void aKeyIsGoodForOneAdjustmentOfAnItem() {
        IdempotencyKey key = new IdempotencyKey("k");
        adjustItem.adjust(item, by(-5), Actor.API, key);

        // Not possible any more, and done already.
        assertThat(adjustItem.adjust(item, by(-5), Actor.API, key).replayed()).isTrue();
        assertThatThrownBy(() -> adjustItem.adjust(item, by(1), Actor.API, key))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().errors().getFirst().field()).isEqualTo("Idempotency-Key"));
        long other = Shop.item(Shop.uniqueName(), 5, 0);
        assertThat(adjustItem.adjust(other, by(1), Actor.API, key).replayed()).isFalse();
        assertThat(Shop.quantity(item)).isZero();
    }

    /** Somebody else's adjustment comes right after the first attempt. */
    private AdjustItem after(long delta) {
        return new AdjustItem(
                new InventoryItems() {
                    private boolean isFirst = true;

                    @Override
                    Optional<InventoryItem> adjust(
                            long id, AdjustmentBody body, Actor actor, IdempotencyKey key, Instant now) {
                        Optional<InventoryItem> result = super.adjust(id, body, actor, key, now);
                        if (isFirst) {
                            isFirst = false;
                            adjustItem.adjust(id, by(delta), Actor.API, null);
                        }
                        return result;
                    }
                },
                movements,
                Clock.systemUTC());
    }

    private static AdjustmentBody by(long delta) {
        return new AdjustmentBody(delta, "counted", null);
    }
}
