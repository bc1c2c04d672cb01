package dev.oms.inventory;

import dev.oms.http.Actor;
import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.util.List;

/**
 * Corrects an item's quantity by an amount. Unlike {@link ChangeItem}, which sets what was counted, it is right
 * whatever has been sold since the client last looked.
 */
@ApplicationScoped
class AdjustItem {
    private final InventoryItems items;
    private final Clock clock;

    AdjustItem(InventoryItems items, Clock clock) {
        this.items = items;
        this.clock = clock;
    }

    /**
     * Adjusts an item and records it in the ledger. Must not be called inside a transaction.
     *
     * @throws ProblemException 404 when there is no such item, 422 when the quantity would become negative or rise
     *     above {@link InventoryItem#QUANTITY_MAX}
     */
    InventoryItem adjust(long id, AdjustmentBody body, Actor actor) {
        if (body.delta() == 0) {
            throw ProblemException.invalid("delta", "must not be 0");
        }
        InventoryItem item = QuarkusTransaction.requiringNew()
                .call(() -> items.adjust(id, body, actor, clock.instant()))
                .orElseGet(() -> QuarkusTransaction.requiringNew().call(() -> adjustLocked(id, body, actor)));
        item.lowStockSince(item.quantity() - body.delta(), item.threshold()).ifPresent(LowStock::warn);
        return item;
    }

    /** Tries again, locked, so that the adjustment is refused because of the quantity that the refusal states. */
    private InventoryItem adjustLocked(long id, AdjustmentBody body, Actor actor) {
        long quantity = items.lock(id, IfMatch.from(List.of())).quantity();
        // Otherwise Hibernate would return the item as it has just been read.
        items.getEntityManager().clear();
        return items.adjust(id, body, actor, clock.instant()).orElseThrow(() -> refusal(quantity, body.delta()));
    }

    private static ProblemException refusal(long quantity, long delta) {
        return ProblemException.invalid(
                "delta",
                delta < 0
                        ? "must not lower the quantity, %d, below 0".formatted(quantity)
                        : "must not raise the quantity, %d, above %d".formatted(quantity, InventoryItem.QUANTITY_MAX));
    }
}
