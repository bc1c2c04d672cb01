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

/** Something that became of an order, by whom and when. Written once, never changed. */
@Entity
@Immutable
@IdClass(OrderEvent.Key.class)
@Table(name = "order_events")
public class OrderEvent {
    /** What can become of an order. */
    public enum Kind {
        /** It was accepted. Told by the order's own row, not kept as an event. */
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
        /** It was called off. */
        Cancelled,
        /** The stock of the cancelled order was given back. */
        Restored,
        /** An operator has given up what was due. */
        Abandoned;

        /** What a change of status is told as. */
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

    /** What an order has just become; its row must have been written, for it is told by its version. */
    OrderEvent(Order order, Kind event, String actor) {
        this.orderId = order.id();
        this.version = order.version();
        this.event = event;
        this.actor = actor;
        this.createdAt = order.updatedAt();
    }

    /** Each event makes a version of its own. */
    public record Key(long orderId, long version) implements Serializable {}
}
