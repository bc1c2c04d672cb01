package dev.oms.inventory;

import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.PersistenceException;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.time.Instant;

/** Renames an item, changes its threshold, or corrects its quantity to what was counted. */
@ApplicationScoped
class ChangeItem {
    private final InventoryItems items;
    private final StockMovements movements;
    private final Clock clock;

    ChangeItem(InventoryItems items, StockMovements movements, Clock clock) {
        this.items = items;
        this.movements = movements;
        this.clock = clock;
    }

    /**
     * Changes the fields that are in the body and leaves the others.
     *
     * @throws ProblemException 404 when there is no such item, 412 when it is at another version, 422 when another item
     *     on sale has the same name
     */
    @Transactional
    InventoryItem change(long id, InventoryItemBody body, IfMatch expected) {
        InventoryItem item = items.lock(id, expected);
        Instant now = clock.instant();
        if (body.name() != null && !body.name().equals(item.name())) {
            item.rename(body.name(), now);
        }
        if (body.threshold() != null && body.threshold() != item.threshold()) {
            item.changeThreshold(body.threshold(), now);
        }
        if (body.quantity() != null && body.quantity() != item.quantity()) {
            movements.persist(item.correct(body.quantity(), body.reason(), now));
        }
        try {
            items.flush();
        } catch (PersistenceException e) {
            throw NameTaken.orElse(e);
        }
        return item;
    }
}
