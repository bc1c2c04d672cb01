package dev.oms.audit;

import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * Something that does not add up.
 *
 * @param kind the name of the check that found it
 * @param inventoryItemId the item concerned, or null
 * @param orderId the order concerned, or null
 */
@RegisterForReflection
record Discrepancy(String kind, Long inventoryItemId, Long orderId, String detail) {}
