package dev.oms.inventory;

import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.PersistenceException;
import jakarta.transaction.Transactional;
import java.time.Clock;

/** Adds an item, and its opening stock to the ledger. */
@ApplicationScoped
class AddItem {
    private final InventoryItems items;
    private final StockMovements movements;
    private final Clock clock;

    AddItem(InventoryItems items, StockMovements movements, Clock clock) {
        this.items = items;
        this.movements = movements;
        this.clock = clock;
    }

    /** @throws ProblemException 422 when another item on sale has the same name */
    @Transactional
    InventoryItem add(InventoryItemBody body, Actor actor) {
        InventoryItem item = new InventoryItem(body.name(), body.quantity(), body.threshold(), clock.instant());
        try {
            items.persist(item);
        } catch (PersistenceException e) {
            throw NameTaken.orElse(e);
        }
        movements.persist(item.opening(body.reason(), actor));
        return item;
    }
}
