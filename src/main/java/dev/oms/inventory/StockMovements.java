package dev.oms.inventory;

import io.quarkus.hibernate.orm.panache.PanacheRepository;
import io.quarkus.panache.common.Sort;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.List;

/** The ledger. */
@ApplicationScoped
public class StockMovements implements PanacheRepository<StockMovement> {
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
        return getEntityManager()
                .createQuery("""
                        select m.id, m.inventoryItemId, coalesce(cast(sql('(select item_name from order_lines
                                where order_id = ? and inventory_item_id = ?)', m.orderId, m.inventoryItemId) as String),
                            i.name), m.orderId, m.kind, m.delta, m.quantityAfter, m.reason,
                            m.createdAt
                        from StockMovement m join InventoryItem i on i.id = m.inventoryItemId
                        where m.orderId = ?1 order by m.id""", OrderMovementView.class)
                .setParameter(1, orderId)
                .getResultList();
    }
}
