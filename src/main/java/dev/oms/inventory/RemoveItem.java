package dev.oms.inventory;

import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Clock;

/** Takes an item off sale: deletes it, or archives it when an order refers to it. */
@ApplicationScoped
class RemoveItem {
    private final InventoryItems items;
    private final Clock clock;

    RemoveItem(InventoryItems items, Clock clock) {
        this.items = items;
        this.clock = clock;
    }

    /** @throws ProblemException 404 when there is no such item */
    @Transactional
    void remove(long id) {
        InventoryItem item = items.lockForRemoval(id);
        if (items.isOrdered(id)) {
            item.archive(clock.instant());
        } else {
            items.delete(item);
        }
    }
}
