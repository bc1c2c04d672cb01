package dev.oms.order;

import dev.oms.event.EventType;
import dev.oms.http.Actor;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.util.Map;

/**
 * Gives up an order's due stock adjustment when an operator asks for it. An order whose stock cannot be deducted is
 * rejected; one whose stock cannot be restored stays cancelled, and the stock must be corrected by hand. The event
 * tells the audit that this was meant.
 */
@ApplicationScoped
public class AbandonStock {
    private final Orders orders;
    private final OrderEvents events;
    private final Clock clock;

    AbandonStock(Orders orders, OrderEvents events, Clock clock) {
        this.orders = orders;
        this.events = events;
        this.clock = clock;
    }

    /** Does nothing when no adjustment is due or there is no such order. */
    @Transactional
    public void abandon(long orderId, Actor actor) {
        orders.lockOptional(orderId)
                .filter(order -> order.abandon(clock.instant()))
                .ifPresent(order -> events.record(
                        order,
                        EventType.ORDER_ABANDONED,
                        actor,
                        Map.of("status", order.status().name())));
    }
}
