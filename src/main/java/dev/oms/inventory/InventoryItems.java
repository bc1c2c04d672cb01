package dev.oms.inventory;

import dev.oms.event.EventType;
import dev.oms.event.RecordEvent;
import dev.oms.http.Actor;
import dev.oms.http.IdempotencyKey;
import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.hibernate.Session;

/** All items. Archived ones are visible only through the orders that refer to them. */
@ApplicationScoped
public class InventoryItems implements PanacheRepository<InventoryItem> {
    /** What a pattern of {@code like} must escape. */
    private static final Pattern WILDCARD = Pattern.compile("[\\\\%_]");

    /**
     * Finds an item on sale.
     *
     * @throws ProblemException 404 when there is no such item or it is archived
     */
    InventoryItem get(long id) {
        return onSale(id, findById(id));
    }

    /**
     * The same, locked until the transaction ends.
     *
     * @throws ProblemException also 412 when it is at another version than expected
     */
    InventoryItem lock(long id, IfMatch expected) {
        InventoryItem item = onSale(id, findById(id, LockModeType.PESSIMISTIC_WRITE));
        expected.require("inventory item", id, item.version());
        return item;
    }

    /**
     * The same, but also blocks orders: an order that is being placed for this item waits for the end of the
     * transaction and then finds the item gone. (Hibernate's lock is {@code for no key update}, which does not block
     * foreign key checks.)
     */
    InventoryItem lockForRemoval(long id) {
        getEntityManager()
                .createNativeQuery("select id from inventory_items where id = ?1 for update", Long.class)
                .setParameter(1, id)
                .getResultList();
        return get(id);
    }

    private static InventoryItem onSale(long id, InventoryItem item) {
        if (item == null || item.isArchived()) {
            throw ProblemException.unknown("inventory item", id);
        }
        return item;
    }

    /** The sort orders of the list. */
    enum Order {
        /** Oldest first. */
        id("id"),
        /** By quantity above the threshold, lowest first. */
        low_stock("least(quantity - threshold, %dL) * %dL + id"
                .formatted(InventoryItem.QUANTITY_MAX, InventoryItem.ID_LIMIT));

        private final String key;

        Order(String key) {
            this.key = key;
        }

        /** The sort key of an item, unique in this order. */
        long keyOf(InventoryItem item) {
            return switch (this) {
                case id -> item.id();
                case low_stock -> item.lowStockKey();
            };
        }
    }

    /**
     * Lists items on sale.
     *
     * @param prefix list only items whose name begins with this, in any case; null for all
     * @param belowThreshold list only items below their threshold
     * @param outOfStock list only items of which there is nothing left
     * @param after the key of the last item on the previous page, or null for the first page
     * @throws ProblemException 400 when nothing that can be seen is left of the prefix
     */
    List<InventoryItem> list(
            String prefix, boolean belowThreshold, boolean outOfStock, Order order, Long after, int rows) {
        StringBuilder query = new StringBuilder("from InventoryItem where archivedAt is null");
        Map<String, Object> parameters = new HashMap<>();
        if (prefix != null) {
            // No item can have such a name, and PostgreSQL rejects it.
            if (!Texts.isStorable(prefix)) {
                return List.of();
            }
            String normal = Texts.normalizeName(prefix);
            if (normal.isEmpty()) {
                // Every name begins with it.
                throw ProblemException.malformed(
                        "name must not be empty or invisible: give it a value or leave it out.");
            }
            query.append(" and lower(name) like lower(:pattern) escape '\\'");
            parameters.put("pattern", WILDCARD.matcher(normal).replaceAll("\\\\$0") + "%");
        }
        if (belowThreshold) {
            query.append(" and quantity < threshold");
        }
        if (outOfStock) {
            query.append(" and quantity = 0");
        }
        if (after != null) {
            query.append(" and ").append(order.key).append(" > :after");
            parameters.put("after", after);
        }
        return find(query.append(" order by ").append(order.key).toString(), parameters)
                .range(0, rows - 1)
                .list();
    }

    /**
     * Adds to an item's quantity, its ledger and the events, by one statement: a hot item is locked for one round trip
     * and the commit. Returns nothing when there is no such item, when it is archived, or when the quantity would be
     * out of range.
     *
     * <p>The update must not be preceded by a lock in the same statement. It would still see the row as it was before
     * the wait for that lock, and wait once more, holding it: a deadlock.
     *
     * @param key the idempotency key, or null; one that the item's ledger has violates
     *     {@value StockMovements#KEY_INDEX}
     */
    Optional<InventoryItem> adjust(long id, AdjustmentBody body, Actor actor, IdempotencyKey key, Instant now) {
        return getEntityManager()
                .unwrap(Session.class)
                .createNativeQuery(
                        """
                        with adjusted as (
                            update inventory_items
                            set quantity = quantity + :delta, version = version + 1, updated_at = :now
                            where id = :id and archived_at is null and quantity + :delta >= 0
                            and (:delta < 0 or quantity + :delta <= :max)
                            returning *),
                        moved as (
                            insert into stock_movements
                                (inventory_item_id, kind, delta, quantity_after, reason, reference, actor, created_at,
                                    idempotency_key)
                            select id, 'CORRECTION', :delta, quantity, :reason, :reference, :actor, updated_at,
                                :key
                            from adjusted),
                        events_inserted as (
                            %s
                            select 'item', id, version, '%s', :actor, jsonb_strip_nulls(jsonb_build_object(
                                'name', name, 'delta', :delta, 'quantity', quantity,
                                'reason', cast(:reason as text), 'reference', cast(:reference as text))), updated_at
                            from adjusted
                            union all
                            select 'item', id, version, '%s', :actor, jsonb_build_object(
                                'name', name, 'quantity', quantity, 'threshold', threshold), updated_at
                            from adjusted where quantity < threshold and quantity - :delta >= threshold
                            order by 4)
                        select * from adjusted""".formatted(
                                        RecordEvent.INSERT,
                                        EventType.ITEM_CORRECTED.wireName(),
                                        EventType.ITEM_LOW_STOCK.wireName()),
                        InventoryItem.class)
                .setParameter("id", id)
                .setParameter("delta", body.delta())
                .setParameter("max", InventoryItem.QUANTITY_MAX)
                .setParameter("reason", body.reason())
                .setParameter("reference", body.reference(), String.class)
                .setParameter("actor", actor.name())
                .setParameter("key", key == null ? null : key.value(), String.class)
                .setParameter("now", now)
                .uniqueResultOptional();
    }

    /**
     * Writes an item's name into a page of its order lines that have none, so that renaming it does not change them.
     *
     * @param after the last order of the previous page, or 0
     * @return the last order of this page, or null when no line is left
     */
    Long freezeName(long id, long after, int lines) {
        // By table, not by entity, as below.
        return (Long) getEntityManager()
                .createNativeQuery("""
                        with page as (
                            select order_id from order_lines
                            where inventory_item_id = ?1 and item_name is null and order_id > ?2
                            order by order_id limit ?3 for no key update),
                        frozen as (
                            update order_lines l set item_name = i.name from page p, inventory_items i
                            where l.order_id = p.order_id and l.inventory_item_id = ?1 and i.id = ?1)
                        select max(order_id) from page""", Long.class)
                .setParameter(1, id)
                .setParameter(2, after)
                .setParameter(3, lines)
                .getSingleResultOrNull();
    }

    /** Whether an order refers to an item. */
    boolean isOrdered(long id) {
        // By table, not by entity: inventory does not depend on order.
        return (Boolean) getEntityManager()
                .createNativeQuery(
                        "select exists (select 1 from order_lines where inventory_item_id = ?1)", Boolean.class)
                .setParameter(1, id)
                .getSingleResult();
    }
}
