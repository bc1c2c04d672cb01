package dev.oms.order;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;
import java.util.Map;

/**
 * An order on the wire.
 *
 * @param items how many of what, by the name that the item has now
 */
@RegisterForReflection
record OrderView(
        long id, long userId, OrderStatus status, Map<String, Long> items, Instant createdAt, Instant updatedAt) {

    static OrderView of(Order order, Map<String, Long> items) {
        return new OrderView(order.id(), order.userId(), order.status(), items, order.createdAt(), order.updatedAt());
    }
}
