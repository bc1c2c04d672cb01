package dev.oms.order;

import dev.oms.access.Caller;
import dev.oms.event.EventType;
import dev.oms.event.RecordEvent;
import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.hibernate.Session;

/** The timelines of orders. Placing orders and settling stock write their own events, in bulk. */
@ApplicationScoped
class OrderEvents {
    // That it was placed is told by its own row: of older orders, and of those from an import, there is no such event.
    private static final String OF_ORDER = """
            select 'order.placed' type, coalesce(placed_by, ?2) actor, created_at, 0 version from orders
            where id = ?1 and user_id = coalesce(cast(?3 as bigint), user_id)
            union all select type, actor, created_at, version from events
            where subject = 'order' and subject_id = ?1 and type <> 'order.placed' and exists (
                select 1 from orders where id = ?1 and user_id = coalesce(cast(?3 as bigint), user_id))
            order by version""";

    private final Session session;
    private final RecordEvent recordEvent;
    private final Event<OrdersChanged> changed;

    OrderEvents(Session session, RecordEvent recordEvent, Event<OrdersChanged> changed) {
        this.session = session;
        this.recordEvent = recordEvent;
        this.changed = changed;
    }

    /** What a timeline calls an event. */
    enum Kind {
        Placed,
        Received,
        Confirmed,
        Rejected,
        OutForDelivery,
        Delivered,
        Cancelled,
        Restored,
        Abandoned;

        static Kind of(EventType type) {
            return switch (type) {
                case ORDER_PLACED -> Placed;
                case ORDER_RECEIVED -> Received;
                case ORDER_CONFIRMED -> Confirmed;
                case ORDER_REJECTED -> Rejected;
                case ORDER_OUT_FOR_DELIVERY -> OutForDelivery;
                case ORDER_DELIVERED -> Delivered;
                case ORDER_CANCELLED -> Cancelled;
                case ORDER_RESTORED -> Restored;
                case ORDER_ABANDONED -> Abandoned;
                case ITEM_ADDED, ITEM_CORRECTED, ITEM_LOW_STOCK, ITEM_ARCHIVED ->
                    throw new IllegalArgumentException(type + " is no event of an order");
            };
        }
    }

    /** An entry of a timeline on the wire: what happened, who did it, and when. */
    @RegisterForReflection
    record OrderEventView(Kind event, String by, Instant at) {}

    /** Records an event, in the transaction of the change. When it commits, {@link OrdersChanged} is fired. */
    void record(Order order, EventType type, Actor actor) {
        record(order, type, actor, Map.of());
    }

    /** As {@link #record(Order, EventType, Actor)}, with a detail. */
    void record(Order order, EventType type, Actor actor, Map<String, ?> detail) {
        // The event needs the order's version after the change.
        session.flush();
        recordEvent.record(type, order.id(), order.version(), actor, order.updatedAt(), detail);
        changed.fire(new OrdersChanged(List.of(order.id())));
    }

    /**
     * All events of an order, oldest first.
     *
     * @param caller a caller that is bound to a user sees that user's orders only
     * @throws ProblemException 404 when there is no such order
     */
    List<OrderEventView> of(long orderId, Caller caller) {
        List<OrderEventView> events = session.createNativeQuery(OF_ORDER, Object[].class)
                .setParameter(1, orderId)
                .setParameter(2, Actor.API.name())
                .setParameter(3, caller.userId(), Long.class)
                .getResultStream()
                // Without those whose type only a newer process knows.
                .flatMap(row -> EventType.of((String) row[0]).stream()
                        .map(type -> new OrderEventView(Kind.of(type), (String) row[1], (Instant) row[2])))
                .toList();
        if (events.isEmpty()) {
            throw ProblemException.unknown("order", orderId);
        }
        return events;
    }
}
