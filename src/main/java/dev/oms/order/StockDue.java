package dev.oms.order;

/**
 * A stock adjustment is due for an order. Fired inside the transaction that makes it due, or right after a statement
 * that was its own transaction: observe it after success.
 *
 * @param orderId the order; its row says what is due
 */
public record StockDue(long orderId) {}
