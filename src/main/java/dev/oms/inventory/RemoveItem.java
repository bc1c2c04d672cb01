package dev.oms.inventory;

import dev.oms.http.IfMatch;
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

    /** @throws ProblemException 404 when there is no such item, 412 when it is at another version */
    @Transactional
    void remove(long id, IfMatch expected) {
        InventoryItem item = items.lockForRemoval(id);
        expected.require("inventory item", id, item.version());
        if (items.isOrdered(id)) {
            item.archive(clock.instant());
        } else {
            items.delete(item);
        }
    }
}
