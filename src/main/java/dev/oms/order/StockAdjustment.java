package dev.oms.order;

/** The stock adjustment that is due for an order: deduct its stock, or restore it. */
public enum StockAdjustment {
    DEDUCTION,
    RESTORATION
}
