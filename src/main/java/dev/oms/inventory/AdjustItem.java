package dev.oms.inventory;

import dev.oms.http.Actor;
import dev.oms.http.DatabaseConstraints;
import dev.oms.http.IdempotencyKey;
import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * Corrects an item's quantity by an amount. Unlike {@link ChangeItem}, which sets what was counted, it is right
 * whatever has been sold since the client last looked.
 */
@ApplicationScoped
class AdjustItem {
    private final InventoryItems items;
    private final StockMovements movements;
    private final Clock clock;

    AdjustItem(InventoryItems items, StockMovements movements, Clock clock) {
        this.items = items;
        this.movements = movements;
        this.clock = clock;
    }

    /** An item after its adjustment, and whether the key had adjusted it before. */
    record Adjusted(InventoryItem item, boolean replayed) {}

    /**
     * Adjusts an item and records it in the ledger, unless the key has already done so. Must not be called inside a
     * transaction.
     *
     * @param key the idempotency key, or null
     * @throws ProblemException 404 when there is no such item, 422 when the quantity would become negative or rise
     *     above {@link InventoryItem#QUANTITY_MAX}, or when the key has made another adjustment
     */
    Adjusted adjust(long id, AdjustmentBody body, Actor actor, IdempotencyKey key) {
        if (body.delta() == 0) {
            throw ProblemException.invalid("delta", "must not be 0");
        }
        Adjusted adjusted =
                tryUnlocked(id, body, actor, key).orElseGet(() -> inTransaction(() -> tryLocked(id, body, actor, key)));
        if (!adjusted.replayed) {
            InventoryItem item = adjusted.item;
            item.lowStockSince(item.quantity() - body.delta(), item.threshold()).ifPresent(LowStock::warn);
        }
        return adjusted;
    }

    private static <T> T inTransaction(Callable<T> work) {
        return QuarkusTransaction.requiringNew().call(work);
    }

    /** Returns nothing when it is refused, or when another request with the key has just come first. */
    private Optional<Adjusted> tryUnlocked(long id, AdjustmentBody body, Actor actor, IdempotencyKey key) {
        try {
            return inTransaction(() -> attempt(id, body, actor, key));
        } catch (RuntimeException e) {
            if (DatabaseConstraints.violatedBy(e).equals(StockMovements.KEY_INDEX)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Tries again, locked, so that the adjustment is refused because of the quantity that the refusal states. */
    private Adjusted tryLocked(long id, AdjustmentBody body, Actor actor, IdempotencyKey key) {
        long quantity = items.lock(id, IfMatch.from(List.of())).quantity();
        // Otherwise Hibernate would return the item as it has just been read.
        items.getEntityManager().clear();
        return attempt(id, body, actor, key).orElseThrow(() -> refusal(quantity, body.delta()));
    }

    /** Returns what the key has done, or does it; nothing when the quantity does not allow it. */
    private Optional<Adjusted> attempt(long id, AdjustmentBody body, Actor actor, IdempotencyKey key) {
        return Optional.ofNullable(key)
                .flatMap(used -> movements.adjustmentBy(id, used))
                .map(earlier -> replay(id, earlier, body))
                .or(() -> items.adjust(id, body, actor, key, clock.instant()).map(item -> new Adjusted(item, false)));
    }

    private Adjusted replay(long id, AdjustmentBody earlier, AdjustmentBody body) {
        if (!earlier.equals(body)) {
            throw ProblemException.invalid(
                    IdempotencyKey.HEADER, "was used for another adjustment; send this one with a new key");
        }
        return new Adjusted(items.get(id), true);
    }

    private static ProblemException refusal(long quantity, long delta) {
        return ProblemException.invalid(
                "delta",
                delta < 0
                        ? "must not lower the quantity, %d, below 0".formatted(quantity)
                        : "must not raise the quantity, %d, above %d".formatted(quantity, InventoryItem.QUANTITY_MAX));
    }
}
