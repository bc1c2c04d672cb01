package dev.oms.job;

import dev.oms.event.EventType;
import dev.oms.inventory.LowStock;
import dev.oms.inventory.MovementKind;
import dev.oms.order.OrderStatus;
import dev.oms.order.StockAdjustment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The effect of a batch of orders on the stock. Decided in memory, without database or clock: first come, first served,
 * and for each order all lines or none.
 *
 * @param outcomes the new status of every order of the batch
 * @param movements the new entries of the ledger
 * @param quantities the new quantity of each item that moved, by the item's id
 * @param lowStock the items that a deduction took below their threshold, once per crossing
 */
record Settlement(
        List<Outcome> outcomes, List<Movement> movements, Map<Long, Long> quantities, List<LowStock> lowStock) {

    /** An order with stock due. */
    record WaitingOrder(long id, OrderStatus status, StockAdjustment due, List<Line> lines) {}

    /** An order line. */
    record Line(long itemId, long quantity) {}

    /** An item before the settlement. */
    record Stock(long itemId, String name, long quantity, long threshold) {}

    /**
     * The status that an order gets.
     *
     * @param shortItems the items of which a rejected order wanted more than there was; null for any other order
     */
    record Outcome(long orderId, OrderStatus status, List<Long> shortItems) {
        Outcome(long orderId, OrderStatus status) {
            this(orderId, status, null);
        }

        /** What happened: for a cancelled order, settling means that its stock was restored. */
        EventType event() {
            return status == OrderStatus.Cancelled ? EventType.ORDER_RESTORED : status.event();
        }
    }

    /** An entry of the ledger. */
    record Movement(long orderId, long itemId, MovementKind kind, long delta, long quantityAfter) {}

    /**
     * Settles orders in the order given.
     *
     * @throws IllegalStateException if what is due contradicts an order's status: the right outcome must not be guessed
     */
    static Settlement of(List<WaitingOrder> orders, Map<Long, Stock> stocks) {
        Settlement settlement =
                new Settlement(new ArrayList<>(), new ArrayList<>(), new HashMap<>(), new ArrayList<>());
        for (WaitingOrder order : orders) {
            Outcome outcome =
                    switch (order.due()) {
                        case DEDUCTION -> settlement.deduct(order, stocks);
                        case RESTORATION -> settlement.restore(order, stocks);
                    };
            settlement.outcomes.add(outcome);
        }
        return settlement;
    }

    private Outcome deduct(WaitingOrder order, Map<Long, Stock> stocks) {
        if (!order.status().bySettling().contains(OrderStatus.Confirmed)) {
            throw new IllegalStateException(
                    "Order %d is %s, so no deduction can be due".formatted(order.id(), order.status()));
        }
        List<Long> shortItems = order.lines().stream()
                .filter(line -> quantity(line, stocks) < line.quantity())
                .map(Line::itemId)
                .toList();
        if (!shortItems.isEmpty()) {
            return new Outcome(order.id(), OrderStatus.Rejected, shortItems);
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
        return new Outcome(order.id(), OrderStatus.Confirmed);
    }

    private Outcome restore(WaitingOrder order, Map<Long, Stock> stocks) {
        if (order.status() != OrderStatus.Cancelled) {
            throw new IllegalStateException(
                    "Order %d is %s, so no restoration can be due".formatted(order.id(), order.status()));
        }
        for (Line line : order.lines()) {
            move(order, line, MovementKind.RESTORATION, line.quantity(), quantity(line, stocks) + line.quantity());
        }
        return new Outcome(order.id(), OrderStatus.Cancelled);
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
