package dev.oms.job;

import dev.oms.inventory.MovementKind;
import dev.oms.order.OrderEvent;
import dev.oms.order.OrderStatus;
import dev.oms.order.StockAdjustment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a batch of orders does to the stock: decided in memory, first come first served, each order all lines or none.
 * Knows no database and no clock.
 *
 * @param outcomes the status of every order of the batch
 * @param movements the ledger's new lines
 * @param quantities what there is afterwards, of each item that moved
 * @param lowStock each item that a deduction took below its threshold, once per crossing
 */
record Settlement(
        List<Outcome> outcomes, List<Movement> movements, Map<Long, Long> quantities, List<LowStock> lowStock) {

    /** An order that waits: what is due, and the lines it concerns. */
    record WaitingOrder(long id, OrderStatus status, StockAdjustment due, List<Line> lines) {}

    /** How many of one item. */
    record Line(long itemId, long quantity) {}

    /** An item as it was found. */
    record Stock(long itemId, String name, long quantity, long threshold) {}

    /** What an order is given. */
    record Outcome(long orderId, OrderStatus status) {
        /** What its timeline tells: an order that is cancelled was settled by giving back. */
        OrderEvent.Kind event() {
            return status == OrderStatus.Cancelled ? OrderEvent.Kind.Restored : OrderEvent.Kind.of(status);
        }
    }

    /** What stands in the ledger. */
    record Movement(long orderId, long itemId, MovementKind kind, long delta, long quantityAfter) {}

    /** An item that ran low. */
    record LowStock(long itemId, String name, long quantity, long threshold) {}

    /**
     * Settles orders in the order given.
     *
     * @throws IllegalStateException when what is due does not go with the status: such an order must not be guessed at
     */
    static Settlement of(List<WaitingOrder> orders, Map<Long, Stock> stocks) {
        Settlement settlement =
                new Settlement(new ArrayList<>(), new ArrayList<>(), new HashMap<>(), new ArrayList<>());
        for (WaitingOrder order : orders) {
            OrderStatus outcome =
                    switch (order.due()) {
                        case DEDUCTION -> settlement.deduct(order, stocks);
                        case RESTORATION -> settlement.restore(order, stocks);
                    };
            settlement.outcomes.add(new Outcome(order.id(), outcome));
        }
        return settlement;
    }

    private OrderStatus deduct(WaitingOrder order, Map<Long, Stock> stocks) {
        if (!order.status().bySettling().contains(OrderStatus.Confirmed)) {
            throw new IllegalStateException(
                    "Order %d is %s, so no deduction can be due".formatted(order.id(), order.status()));
        }
        for (Line line : order.lines()) {
            if (quantity(line, stocks) < line.quantity()) {
                return OrderStatus.Rejected;
            }
        }
        for (Line line : order.lines()) {
            Stock stock = stocks.get(line.itemId());
            long before = quantity(line, stocks);
            long after = before - line.quantity();
            move(order, line, MovementKind.DEDUCTION, -line.quantity(), after);
            if (before >= stock.threshold() && after < stock.threshold()) {
                lowStock.add(new LowStock(stock.itemId(), stock.name(), after, stock.threshold()));
            }
        }
        return OrderStatus.Confirmed;
    }

    private OrderStatus restore(WaitingOrder order, Map<Long, Stock> stocks) {
        if (order.status() != OrderStatus.Cancelled) {
            throw new IllegalStateException(
                    "Order %d is %s, so no restoration can be due".formatted(order.id(), order.status()));
        }
        for (Line line : order.lines()) {
            move(order, line, MovementKind.RESTORATION, line.quantity(), quantity(line, stocks) + line.quantity());
        }
        return OrderStatus.Cancelled;
    }

    private void move(WaitingOrder order, Line line, MovementKind kind, long delta, long after) {
        movements.add(new Movement(order.id(), line.itemId(), kind, delta, after));
        quantities.put(line.itemId(), after);
    }

    private long quantity(Line line, Map<Long, Stock> stocks) {
        Long moved = quantities.get(line.itemId());
        return moved != null ? moved : stocks.get(line.itemId()).quantity();
    }
}
