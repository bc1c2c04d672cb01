package dev.oms.order;

import dev.oms.event.EventType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The status of an order, and the whole table of transitions. The constants are spelled as on the wire and in the
 * database, so that no layer has to translate them.
 */
public enum OrderStatus {
    /** Placed; its stock has not been settled yet. */
    Pending,
    /** Seen by the shop; its stock has not been settled yet. */
    Received,
    /** Its stock has been deducted. */
    Confirmed,
    /** On its way. */
    OutForDelivery,
    /** Arrived; final. */
    Delivered,
    /** There was not enough stock. */
    Rejected,
    /** Cancelled; final. Stock that was deducted for it is restored. */
    Cancelled;

    /** What happened to an order that now has this status. */
    public EventType event() {
        return switch (this) {
            case Pending -> EventType.ORDER_PLACED;
            case Received -> EventType.ORDER_RECEIVED;
            case Confirmed -> EventType.ORDER_CONFIRMED;
            case OutForDelivery -> EventType.ORDER_OUT_FOR_DELIVERY;
            case Delivered -> EventType.ORDER_DELIVERED;
            case Rejected -> EventType.ORDER_REJECTED;
            case Cancelled -> EventType.ORDER_CANCELLED;
        };
    }

    /** The statuses that settling the stock may set. */
    public Set<OrderStatus> bySettling() {
        return switch (this) {
            case Pending, Received -> Set.of(Confirmed, Rejected);
            case Confirmed, OutForDelivery, Delivered, Rejected, Cancelled -> Set.of();
        };
    }

    /** Whether an order in this status still awaits the deduction of its stock. */
    public boolean awaitsDeduction() {
        return !bySettling().isEmpty();
    }

    /** Whether an order in this status has the stock that was deducted for it. */
    public boolean holdsStock() {
        return switch (this) {
            case Confirmed, OutForDelivery, Delivered -> true;
            case Pending, Received, Rejected, Cancelled -> false;
        };
    }

    /** The statuses that {@code update_status} may set, besides {@code Cancelled}. */
    public Set<OrderStatus> byUpdate() {
        return switch (this) {
            case Pending -> Set.of(Received);
            case Confirmed -> Set.of(OutForDelivery, Delivered);
            case OutForDelivery -> Set.of(Delivered);
            case Received, Delivered, Rejected, Cancelled -> Set.of();
        };
    }

    /** Whether an order may be cancelled. Cancelling a cancelled order is allowed and has no effect. */
    public boolean isCancellable() {
        return this != Delivered;
    }

    /** The stock adjustment that cancelling makes due. */
    public Optional<StockAdjustment> dueByCancelling() {
        return switch (this) {
            case Confirmed, OutForDelivery -> Optional.of(StockAdjustment.RESTORATION);
            case Pending, Received, Rejected, Cancelled, Delivered -> Optional.empty();
        };
    }

    /** The statuses that a client may set, in the order of the constants. */
    public List<OrderStatus> allowed() {
        List<OrderStatus> allowed = new ArrayList<>(byUpdate());
        if (isCancellable() && this != Cancelled) {
            allowed.add(Cancelled);
        }
        allowed.sort(null);
        return allowed;
    }
}
