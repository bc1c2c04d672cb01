package dev.oms.order;

import dev.oms.access.Caller;
import dev.oms.http.Actor;
import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Clock;

/** Changes an order's status at a client's request ({@code update_status}). */
@ApplicationScoped
class ChangeStatus {
    private final Orders orders;
    private final OrderEvents events;
    private final CancelOrder cancelOrder;
    private final Clock clock;

    ChangeStatus(Orders orders, OrderEvents events, CancelOrder cancelOrder, Clock clock) {
        this.orders = orders;
        this.events = events;
        this.cancelOrder = cancelOrder;
        this.clock = clock;
    }

    /**
     * Sets the status of an order; {@code Cancelled} cancels it.
     *
     * @throws ProblemException 403 when the caller is bound to a user and it is not a cancellation, 404 when there is
     *     no such order, 412 when it is at another version, 409 when the transition is not allowed
     */
    @Transactional
    OrderView change(long id, OrderStatus next, Caller caller, IfMatch expected, Actor actor) {
        if (next == OrderStatus.Cancelled) {
            return cancelOrder.cancel(id, caller, expected, actor);
        }
        if (caller.userId() != null) {
            // A customer must not be able to say that something was delivered.
            throw ProblemException.forbidden("A key that is bound to a user may only cancel an order.");
        }
        Order order = orders.lock(id, caller, expected);
        if (order.changeTo(next, clock.instant())) {
            events.record(order, next.event(), actor);
        }
        return orders.view(id, caller);
    }
}
