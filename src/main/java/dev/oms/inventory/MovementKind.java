package dev.oms.inventory;

/** Why an item's stock changed. */
public enum MovementKind {
    /** The stock when the item was added. */
    OPENING,
    /** Deducted for an order. */
    DEDUCTION,
    /** Restored because the order was cancelled after its deduction. */
    RESTORATION,
    /** Corrected by hand, to a count or by an amount. */
    CORRECTION
}
