package dev.oms.order;

import dev.oms.access.Caller;
import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import java.time.Instant;
import java.util.List;

/** The timelines of orders. Settling stock writes its own events, in bulk. */
@ApplicationScoped
class OrderEvents implements PanacheRepositoryBase<OrderEvent, OrderEvent.Key> {
    private static final String OF_ORDER = """
            select 'Placed' event, coalesce(placed_by, ?2) actor, created_at, 0 version from orders
            where id = ?1 and user_id = coalesce(cast(?3 as bigint), user_id)
            union all select event, actor, created_at, version from order_events e
            where order_id = ?1 and exists (
                select 1 from orders where id = ?1 and user_id = coalesce(cast(?3 as bigint), user_id))
            order by version""";

    private final Event<OrdersChanged> changed;

    OrderEvents(Event<OrdersChanged> changed) {
        this.changed = changed;
    }

    /** An event on the wire. */
    @RegisterForReflection
    record OrderEventView(OrderEvent.Kind event, String by, Instant at) {}

    /** Records an event, in the transaction of the change. When it commits, {@link OrdersChanged} is fired. */
    void record(Order order, OrderEvent.Kind event, Actor actor) {
        // The event needs the order's version after the change.
        flush();
        persist(new OrderEvent(order, event, actor.name()));
        flush();
        changed.fire(new OrdersChanged(List.of(order.id())));
    }

    /**
     * All events of an order, oldest first.
     *
     * @param caller a caller that is bound to a user sees that user's orders only
     * @throws ProblemException 404 when there is no such order
     */
    List<OrderEventView> of(long orderId, Caller caller) {
        List<OrderEventView> events = getSession()
                .createNativeQuery(OF_ORDER, Object[].class)
                .setParameter(1, orderId)
                .setParameter(2, Actor.API.name())
                .setParameter(3, caller.userId(), Long.class)
                .getResultStream()
                .map(row ->
                        new OrderEventView(OrderEvent.Kind.valueOf((String) row[0]), (String) row[1], (Instant) row[2]))
                .toList();
        if (events.isEmpty()) {
            throw ProblemException.unknown("order", orderId);
        }
        return events;
    }
}
