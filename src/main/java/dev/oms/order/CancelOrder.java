package dev.oms.order;

import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.transaction.Transactional;
import java.time.Clock;

/** Calls an order off. Stock that it had is due to be restored, in the same transaction. */
@ApplicationScoped
class CancelOrder {
    private final Orders orders;
    private final Event<StockDue> stockDue;
    private final Clock clock;

    CancelOrder(Orders orders, Event<StockDue> stockDue, Clock clock) {
        this.orders = orders;
        this.stockDue = stockDue;
        this.clock = clock;
    }

    /**
     * Cancels an order; one that is cancelled already stays so.
     *
     * @throws ProblemException 404 when there is no such order, 412 when it is at another version, 409 when it is
     *     delivered
     */
    @Transactional
    Order cancel(long id, IfMatch expected) {
        Order order = orders.lock(id, expected);
        if (order.cancel(clock.instant())) {
            stockDue.fire(new StockDue(id));
        }
        // The version that the client is told is the one after the change.
        orders.flush();
        return order;
    }
}
