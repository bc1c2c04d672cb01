package dev.oms.inventory;

import dev.oms.http.Actor;
import dev.oms.inventory.StockMovements.OrderMovementView;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import org.hibernate.annotations.Immutable;

/** An entry in the ledger: by how much an item's stock changed, and why. Written once, never changed. */
@Entity
@Immutable
@Table(name = "stock_movements")
public class StockMovement {
    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long id;

    private long inventoryItemId;
    private Long orderId;

    @Enumerated(EnumType.STRING)
    private MovementKind kind;

    private long delta;
    private long quantityAfter;
    private String reason;
    private String reference;
    private String actor;
    private Instant createdAt;

    protected StockMovement() {}

    StockMovement(
            long inventoryItemId,
            MovementKind kind,
            long delta,
            long quantityAfter,
            String reason,
            Actor actor,
            Instant createdAt) {
        this.inventoryItemId = inventoryItemId;
        this.kind = kind;
        this.delta = delta;
        this.quantityAfter = quantityAfter;
        this.reason = reason;
        this.actor = actor.name();
        this.createdAt = createdAt;
    }

    StockMovementView view() {
        return new StockMovementView(id, orderId, kind, delta, quantityAfter, reason, reference, actor, createdAt);
    }

    OrderMovementView viewOfOrder(String item) {
        return new OrderMovementView(id, inventoryItemId, item, orderId, kind, delta, quantityAfter, reason, createdAt);
    }

    /**
     * A movement on the wire.
     *
     * @param actor who added the item or corrected its quantity, or the worker that settled the order; null for older
     *     movements, from before each of these was recorded
     */
    @RegisterForReflection
    record StockMovementView(
            long id,
            Long orderId,
            MovementKind kind,
            long delta,
            long quantityAfter,
            String reason,
            String reference,
            String actor,
            Instant createdAt) {}
}
