package dev.oms.inventory;

import dev.oms.event.EventType;
import dev.oms.event.RecordEvent;
import dev.oms.http.Actor;
import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.PersistenceException;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Renames an item, changes its threshold, or corrects its quantity to what was counted. */
@ApplicationScoped
class ChangeItem {
    /** Order lines whose item's name is frozen in one transaction. */
    static final int PAGE_SIZE = 2_000;

    private final InventoryItems items;
    private final StockMovements movements;
    private final RecordEvent recordEvent;
    private final Clock clock;

    ChangeItem(InventoryItems items, StockMovements movements, RecordEvent recordEvent, Clock clock) {
        this.items = items;
        this.movements = movements;
        this.recordEvent = recordEvent;
        this.clock = clock;
    }

    /**
     * Changes the fields that are in the body and leaves the others. Must not be called inside a transaction.
     *
     * @throws ProblemException 404 when there is no such item, 412 when it is at another version, 422 when another item
     *     on sale has the same name
     */
    InventoryItem change(long id, InventoryItemBody body, IfMatch expected, Actor actor) {
        InventoryItem found = items.get(id);
        if (isRenamed(found, body)) {
            expected.require("inventory item", id, found.version());
            // Most of it page by page and before the item is locked: there may be millions of lines without a name.
            Long last = 0L;
            while (last != null) {
                long after = last;
                last = QuarkusTransaction.requiringNew().call(() -> items.freezeName(id, after, PAGE_SIZE));
            }
        }
        Changed changed = QuarkusTransaction.requiringNew().call(() -> changeInTransaction(id, body, expected, actor));
        changed.lowStock().ifPresent(LowStock::warn);
        return changed.item();
    }

    private record Changed(InventoryItem item, Optional<LowStock> lowStock) {}

    private Changed changeInTransaction(long id, InventoryItemBody body, IfMatch expected, Actor actor) {
        InventoryItem item = items.lock(id, expected);
        long oldQuantity = item.quantity();
        long oldThreshold = item.threshold();
        Instant now = clock.instant();
        if (isRenamed(item, body)) {
            items.freezeName(id, 0, Integer.MAX_VALUE);
            item.rename(body.name(), now);
        }
        if (body.threshold() != null && body.threshold() != item.threshold()) {
            item.changeThreshold(body.threshold(), now);
        }
        if (body.quantity() != null && body.quantity() != item.quantity()) {
            movements.persist(item.correct(body.quantity(), body.reason(), actor, now));
        }
        try {
            items.flush();
        } catch (PersistenceException e) {
            throw NameTaken.orElse(e);
        }
        if (item.quantity() != oldQuantity) {
            record(EventType.ITEM_CORRECTED, item, actor, now, correction(item, oldQuantity, body.reason()));
        }
        Optional<LowStock> lowStock = item.lowStockSince(oldQuantity, oldThreshold);
        lowStock.ifPresent(low -> record(EventType.ITEM_LOW_STOCK, item, actor, now, low.detail()));
        return new Changed(item, lowStock);
    }

    private void record(EventType type, InventoryItem item, Actor actor, Instant at, Map<String, ?> detail) {
        recordEvent.record(type, item.id(), item.version(), actor, at, detail);
    }

    private static Map<String, ?> correction(InventoryItem item, long oldQuantity, String reason) {
        Map<String, Object> detail = new LinkedHashMap<>();
        detail.put("name", item.name());
        detail.put("delta", item.quantity() - oldQuantity);
        detail.put("quantity", item.quantity());
        if (reason != null) {
            detail.put("reason", reason);
        }
        return detail;
    }

    private static boolean isRenamed(InventoryItem item, InventoryItemBody body) {
        return body.name() != null && !body.name().equals(item.name());
    }
}
