package dev.oms.inventory;

import dev.oms.event.EventType;
import dev.oms.event.RecordEvent;
import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.PersistenceException;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;

/** Adds an item, and its opening stock to the ledger. */
@ApplicationScoped
class AddItem {
    private final InventoryItems items;
    private final StockMovements movements;
    private final RecordEvent recordEvent;
    private final Clock clock;

    AddItem(InventoryItems items, StockMovements movements, RecordEvent recordEvent, Clock clock) {
        this.items = items;
        this.movements = movements;
        this.recordEvent = recordEvent;
        this.clock = clock;
    }

    /** @throws ProblemException 422 when another item on sale has the same name */
    @Transactional
    InventoryItem add(InventoryItemBody body, Actor actor) {
        Instant now = clock.instant();
        InventoryItem item = new InventoryItem(body.name(), body.quantity(), body.threshold(), now);
        try {
            items.persist(item);
        } catch (PersistenceException e) {
            throw NameTaken.orElse(e);
        }
        movements.persist(item.opening(body.reason(), actor));
        recordEvent.record(
                EventType.ITEM_ADDED,
                item.id(),
                item.version(),
                actor,
                now,
                Map.of("name", item.name(), "quantity", item.quantity(), "threshold", item.threshold()));
        return item;
    }
}
