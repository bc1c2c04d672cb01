package dev.oms.order;

import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.io.Serializable;
import java.time.Instant;
import org.hibernate.annotations.Immutable;

/** An entry in an order's timeline: what happened, who did it, and when. Written once, never changed. */
@Entity
@Immutable
@IdClass(OrderEvent.Key.class)
@Table(name = "order_events")
public class OrderEvent {
    /** What can happen to an order. */
    public enum Kind {
        /** It was accepted. Derived from the order's row, not stored as an event. */
        Placed,
        /** The shop has seen it. */
        Received,
        /** Its stock was deducted. */
        Confirmed,
        /** There was not enough stock. */
        Rejected,
        /** It is on its way. */
        OutForDelivery,
        /** It has arrived. */
        Delivered,
        /** It was cancelled. */
        Cancelled,
        /** Its stock was restored after it was cancelled. */
        Restored,
        /** An operator gave up the stock adjustment that was due. */
        Abandoned;

        /** The event that records a change to a status. */
        public static Kind of(OrderStatus status) {
            return valueOf(status.name());
        }
    }

    @Id
    private long orderId;

    @Id
    private long version;

    @Enumerated(EnumType.STRING)
    private Kind event;

    private String actor;
    private Instant createdAt;

    protected OrderEvent() {}

    /** Records the latest change of an order, which must have been flushed: its version identifies the event. */
    OrderEvent(Order order, Kind event, String actor) {
        this.orderId = order.id();
        this.version = order.version();
        this.event = event;
        this.actor = actor;
        this.createdAt = order.updatedAt();
    }

    /** Every event has an order version of its own. */
    public record Key(long orderId, long version) implements Serializable {}
}
