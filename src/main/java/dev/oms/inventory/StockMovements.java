package dev.oms.inventory;

import dev.oms.http.IdempotencyKey;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import io.quarkus.panache.common.Sort;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.hibernate.Session;

/** The ledger. */
@ApplicationScoped
public class StockMovements implements PanacheRepository<StockMovement> {
    /** No two movements of an item have the same idempotency key. */
    static final String KEY_INDEX = "stock_movements_idempotency_key_idx";

    /** A movement on the wire, as listed for an order: with the item's id and the name it was ordered under. */
    @RegisterForReflection
    public record OrderMovementView(
            long id,
            long inventoryItemId,
            String item,
            long orderId,
            MovementKind kind,
            long delta,
            long quantityAfter,
            String reason,
            Instant createdAt) {}

    /** The adjustment of an item that a key has made, if any. */
    Optional<AdjustmentBody> adjustmentBy(long itemId, IdempotencyKey key) {
        return getEntityManager()
                .unwrap(Session.class)
                .createNativeQuery("""
                        select delta, reason, reference from stock_movements
                        where inventory_item_id = :item and idempotency_key = :key""", Object[].class)
                .setParameter("item", itemId)
                .setParameter("key", key.value())
                .uniqueResultOptional()
                .map(row -> new AdjustmentBody((Long) row[0], (String) row[1], (String) row[2]));
    }

    /** An item's movements, newest first. */
    List<StockMovement> of(long itemId, Long after, int rows) {
        return find(
                        "inventoryItemId = ?1 and id < ?2",
                        Sort.descending("id"),
                        itemId,
                        after == null ? Long.MAX_VALUE : after)
                .range(0, rows - 1)
                .list();
    }

    /** An order's movements, oldest first: at most two per line of the order. */
    public List<OrderMovementView> ofOrder(long orderId) {
        // By table, not by entity: inventory does not depend on order.
        return getEntityManager()
                .unwrap(Session.class)
                .createNativeQuery("""
                        select {m.*}, coalesce(l.item_name, i.name) item_name
                        from stock_movements m join inventory_items i on i.id = m.inventory_item_id
                        left join order_lines l using (order_id, inventory_item_id)
                        where m.order_id = ?1 order by m.id""", Object[].class)
                .addEntity("m", StockMovement.class)
                .addScalar("item_name", String.class)
                .setParameter(1, orderId)
                .getResultStream()
                .map(row -> ((StockMovement) row[0]).viewOfOrder((String) row[1]))
                .toList();
    }
}
