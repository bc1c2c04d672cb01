package dev.oms.order;

/**
 * An order has stock to be settled. Fired inside the transaction that makes it so, or right after a statement that is
 * one: observe it after success.
 *
 * @param orderId which order; what is due is read from its row, never from here
 */
public record StockDue(long orderId) {}
