package dev.oms.inventory;

/** Why stock moved. */
public enum MovementKind {
    /** What there was when the item was added. */
    OPENING,
    /** Taken by an order. */
    DEDUCTION,
    /** Given back by an order that was cancelled after its deduction. */
    RESTORATION,
    /** Counted by hand. */
    CORRECTION
}
