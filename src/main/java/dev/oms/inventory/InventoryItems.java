package dev.oms.inventory;

import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import java.util.List;

/** The items there are. Archived ones are gone for everybody but the orders that refer to them. */
@ApplicationScoped
public class InventoryItems implements PanacheRepository<InventoryItem> {
    /**
     * An item that is on sale.
     *
     * @throws ProblemException 404 when it never was or no longer is
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
     * The same, but against orders too: one that is being placed on this item waits for the end of the transaction, and
     * then finds the item gone. (Hibernate's lock is {@code for no key update}, which lets foreign keys through.)
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

    /** What is on sale, oldest first; when asked for, only what is below its threshold. */
    List<InventoryItem> list(boolean belowThreshold, Long after, int rows) {
        String query = "archivedAt is null and id > ?1" + (belowThreshold ? " and quantity < threshold" : "");
        return find(query, Sort.ascending("id"), after == null ? 0L : after)
                .range(0, rows - 1)
                .list();
    }

    /** Whether an order refers to an item. */
    boolean isOrdered(long id) {
        // By table, not by entity: inventory does not know the order room.
        return (Boolean) getEntityManager()
                .createNativeQuery(
                        "select exists (select from order_lines where inventory_item_id = ?1)", Boolean.class)
                .setParameter(1, id)
                .getSingleResult();
    }
}
