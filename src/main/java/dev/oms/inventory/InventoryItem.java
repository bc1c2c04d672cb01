package dev.oms.inventory;

import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import jakarta.persistence.Version;
import java.time.Instant;
import java.util.Optional;

/** An item that is sold, and its quantity, which changes only together with a {@link StockMovement}. */
@Entity
@Table(name = "inventory_items")
public class InventoryItem {
    /**
     * The maximum to which a client may raise a quantity. Restored stock may take it higher, because a restoration is
     * never refused.
     */
    public static final long QUANTITY_MAX = 1_000_000_000;

    /** Above any id that will ever be assigned; multiplied by {@link #QUANTITY_MAX}, it fits into a long. */
    public static final long ID_LIMIT = 1L << 32;

    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long id;

    private String name;
    private long quantity;
    private long threshold;

    @Version
    private long version;

    private Instant archivedAt;
    private Instant createdAt;
    private Instant updatedAt;

    protected InventoryItem() {}

    InventoryItem(String name, long quantity, long threshold, Instant now) {
        this.name = name;
        this.quantity = quantity;
        this.threshold = threshold;
        this.createdAt = now;
        this.updatedAt = now;
    }

    StockMovement opening(String reason, Actor actor) {
        return new StockMovement(id, MovementKind.OPENING, quantity, quantity, reason, actor, createdAt);
    }

    void rename(String name, Instant now) {
        this.name = name;
        this.updatedAt = now;
    }

    void changeThreshold(long threshold, Instant now) {
        this.threshold = threshold;
        this.updatedAt = now;
    }

    /**
     * Sets the quantity to what was counted; the movement records the difference.
     *
     * @throws ProblemException 422 when it would rise above {@link #QUANTITY_MAX}
     */
    StockMovement correct(long counted, String reason, Actor actor, Instant now) {
        if (counted > Math.max(quantity, QUANTITY_MAX)) {
            throw ProblemException.invalid("quantity", "must be less than or equal to " + QUANTITY_MAX);
        }
        long delta = counted - quantity;
        quantity = counted;
        updatedAt = now;
        return new StockMovement(id, MovementKind.CORRECTION, delta, counted, reason, actor, now);
    }

    /** Takes the item off sale but keeps it for the orders that refer to it. */
    void archive(Instant now) {
        archivedAt = now;
        updatedAt = now;
    }

    boolean isArchived() {
        return archivedAt != null;
    }

    Long id() {
        return id;
    }

    String name() {
        return name;
    }

    long quantity() {
        return quantity;
    }

    long threshold() {
        return threshold;
    }

    long version() {
        return version;
    }

    /** The warning that is due if the item was not below its threshold before a change, and is now. */
    Optional<LowStock> lowStockSince(long oldQuantity, long oldThreshold) {
        return oldQuantity >= oldThreshold && quantity < threshold
                ? Optional.of(new LowStock(id, name, quantity, threshold))
                : Optional.empty();
    }

    /** Sorts items by their quantity above the threshold, capped at {@link #QUANTITY_MAX}, then by id. */
    long lowStockKey() {
        return Math.min(quantity - threshold, QUANTITY_MAX) * ID_LIMIT + id;
    }

    InventoryItemView view() {
        return new InventoryItemView(id, name, quantity, threshold, createdAt, updatedAt);
    }

    /** An item on the wire. */
    @RegisterForReflection
    record InventoryItemView(
            long id, String name, long quantity, long threshold, Instant createdAt, Instant updatedAt) {}
}
