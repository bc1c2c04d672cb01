package dev.oms.inventory;

import dev.oms.event.EventType;
import dev.oms.event.RecordEvent;
import dev.oms.http.Actor;
import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;

/**
 * Takes an item off sale: deletes it, or archives it when an order refers to it. The event is the same, because only
 * orders that refer to the item see a difference.
 */
@ApplicationScoped
class RemoveItem {
    private final InventoryItems items;
    private final RecordEvent recordEvent;
    private final Clock clock;

    RemoveItem(InventoryItems items, RecordEvent recordEvent, Clock clock) {
        this.items = items;
        this.recordEvent = recordEvent;
        this.clock = clock;
    }

    /** @throws ProblemException 404 when there is no such item, 412 when it is at another version */
    @Transactional
    void remove(long id, IfMatch expected, Actor actor) {
        InventoryItem item = items.lockForRemoval(id);
        expected.require("inventory item", id, item.version());
        long version = item.version() + 1;
        Instant now = clock.instant();
        if (items.isOrdered(id)) {
            item.archive(now);
        } else {
            items.delete(item);
        }
        items.flush();
        recordEvent.record(EventType.ITEM_ARCHIVED, id, version, actor, now, Map.of("name", item.name()));
    }
}
