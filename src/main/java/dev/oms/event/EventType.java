package dev.oms.event;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What can happen to an order or an item. */
public enum EventType {
    /** The order was accepted. */
    ORDER_PLACED,
    /** The shop has seen the order. */
    ORDER_RECEIVED,
    /** The order's stock was deducted. */
    ORDER_CONFIRMED,
    /** There was not enough stock for the order. */
    ORDER_REJECTED,
    /** The order is on its way. */
    ORDER_OUT_FOR_DELIVERY,
    /** The order has arrived. */
    ORDER_DELIVERED,
    /** The order was cancelled. */
    ORDER_CANCELLED,
    /** The order's stock was restored after it was cancelled. */
    ORDER_RESTORED,
    /** An operator gave up the stock adjustment that was due for the order. */
    ORDER_ABANDONED,
    /** The item was added. */
    ITEM_ADDED,
    /** The item's quantity was corrected by hand. */
    ITEM_CORRECTED,
    /** The item's quantity fell below its threshold, or its threshold was raised above its quantity. */
    ITEM_LOW_STOCK,
    /** The item was taken off sale, whether it was archived or deleted. */
    ITEM_ARCHIVED;

    private final String wireName = name().toLowerCase(Locale.ROOT).replaceFirst("_", ".");

    /** The name in the table of events and on the wire, such as {@code order.out_for_delivery}. */
    public String wireName() {
        return wireName;
    }

    /** The type that has this name in the table and on the wire. */
    public static Optional<EventType> of(String wireName) {
        return Arrays.stream(values())
                .filter(type -> type.wireName.equals(wireName))
                .findFirst();
    }
}
