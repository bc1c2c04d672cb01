package dev.oms.order;

import dev.oms.access.Caller;
import dev.oms.event.EventType;
import dev.oms.http.Actor;
import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.transaction.Transactional;
import java.time.Clock;

/** Cancels an order. If it holds stock, a restoration becomes due in the same transaction. */
@ApplicationScoped
class CancelOrder {
    private final Orders orders;
    private final OrderEvents events;
    private final Event<StockDue> stockDue;
    private final Clock clock;

    CancelOrder(Orders orders, OrderEvents events, Event<StockDue> stockDue, Clock clock) {
        this.orders = orders;
        this.events = events;
        this.stockDue = stockDue;
        this.clock = clock;
    }

    /**
     * Cancels an order. Does nothing when it is already cancelled.
     *
     * @throws ProblemException 404 when there is no such order, 412 when it is at another version, 409 when it has been
     *     delivered
     */
    @Transactional
    OrderView cancel(long id, Caller caller, IfMatch expected, Actor actor) {
        Order order = orders.lock(id, caller, expected);
        if (order.cancel(clock.instant(), orders::readClock)) {
            events.record(order, EventType.ORDER_CANCELLED, actor);
            if (order.isStockDue()) {
                stockDue.fire(new StockDue(id));
            }
        }
        return orders.view(id, caller);
    }
}
