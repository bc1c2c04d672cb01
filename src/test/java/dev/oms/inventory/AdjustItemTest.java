package dev.oms.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.http.Actor;
import dev.oms.http.Problem.FieldError;
import dev.oms.http.ProblemException;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
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
        InventoryItem adjusted = after(95).adjust(item, by(-10), Actor.API);

        assertThat(adjusted.quantity()).isEqualTo(90);
        assertThat(Shop.quantity(item)).isEqualTo(90);
    }

    @Test
    void refusesBecauseOfTheQuantityThatItStates() {
        assertThatThrownBy(() -> after(-3).adjust(item, by(-10), Actor.API))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().errors())
                                .containsExactly(new FieldError("delta", "must not lower the quantity, 2, below 0")));

        assertThat(Shop.quantity(item)).isEqualTo(2);
    }

    /** Somebody else's adjustment comes right after the first attempt. */
    private AdjustItem after(long delta) {
        return new AdjustItem(
                new InventoryItems() {
                    private boolean isFirst = true;

                    @Override
                    Optional<InventoryItem> adjust(long id, AdjustmentBody body, Actor actor, Instant now) {
                        Optional<InventoryItem> result = super.adjust(id, body, actor, now);
                        if (isFirst) {
                            isFirst = false;
                            adjustItem.adjust(id, by(delta), Actor.API);
                        }
                        return result;
                    }
                },
                Clock.systemUTC());
    }

    private static AdjustmentBody by(long delta) {
        return new AdjustmentBody(delta, "counted", null);
    }
}
