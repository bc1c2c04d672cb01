package dev.oms.order;

import java.util.List;

/**
 * Orders have changed. Fired inside the transaction that changes them, or after it: observe it after success.
 *
 * @param orderIds the orders; what they are now is in their rows
 */
public record OrdersChanged(List<Long> orderIds) {}
