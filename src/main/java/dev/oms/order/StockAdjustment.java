package dev.oms.order;

/** What an order still waits for: its stock to be taken, or to be given back. */
public enum StockAdjustment {
    DEDUCTION,
    RESTORATION
}
