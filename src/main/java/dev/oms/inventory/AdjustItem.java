package dev.oms.inventory;

import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;

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
                .orElseThrow(() -> refusal(id, body.delta()));
        item.lowStockSince(item.quantity() - body.delta(), item.threshold()).ifPresent(LowStock::warn);
        return item;
    }

    private ProblemException refusal(long id, long delta) {
        long quantity =
                QuarkusTransaction.requiringNew().call(() -> items.get(id)).quantity();
        return ProblemException.invalid(
                "delta",
                delta < 0
                        ? "must not lower the quantity, %d, below 0".formatted(quantity)
                        : "must not raise the quantity, %d, above %d".formatted(quantity, InventoryItem.QUANTITY_MAX));
    }
}
