package dev.oms.order;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where an order stands, and the whole table of where it may go from there. The constants are written as on the wire
 * and in the database, so that no layer has to translate them.
 */
public enum OrderStatus {
    /** Placed; its stock is not settled yet. */
    Pending,
    /** Seen by the shop; its stock is not settled yet. */
    Received,
    /** Its stock is deducted. */
    Confirmed,
    /** On its way. */
    OutForDelivery,
    /** Arrived: the end. */
    Delivered,
    /** There was not enough stock. */
    Rejected,
    /** Called off: the end. What had been deducted is given back. */
    Cancelled;

    /** What the consumer may make of it when it settles the stock. */
    public Set<OrderStatus> bySettling() {
        return switch (this) {
            case Pending, Received -> Set.of(Confirmed, Rejected);
            case Confirmed, OutForDelivery, Delivered, Rejected, Cancelled -> Set.of();
        };
    }

    /** What {@code update_status} may make of it, besides cancelling it. */
    public Set<OrderStatus> byUpdate() {
        return switch (this) {
            case Pending -> Set.of(Received);
            case Confirmed -> Set.of(OutForDelivery, Delivered);
            case OutForDelivery -> Set.of(Delivered);
            case Received, Delivered, Rejected, Cancelled -> Set.of();
        };
    }

    /** Whether it may be cancelled. A cancelled order may, to no effect. */
    public boolean isCancellable() {
        return this != Delivered;
    }

    /** What becomes due when it is cancelled. */
    public Optional<StockAdjustment> dueByCancelling() {
        return switch (this) {
            case Confirmed, OutForDelivery -> Optional.of(StockAdjustment.RESTORATION);
            case Pending, Received, Rejected, Cancelled, Delivered -> Optional.empty();
        };
    }

    /** What a client may make of it, in the order of the constants. */
    public List<OrderStatus> allowed() {
        List<OrderStatus> allowed = new ArrayList<>(byUpdate());
        if (isCancellable() && this != Cancelled) {
            allowed.add(Cancelled);
        }
        allowed.sort(null);
        return allowed;
    }
}
