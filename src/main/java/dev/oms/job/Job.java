package dev.oms.job;

import java.util.Map;

/**
 * An entry of the stream: make this order's stock right.
 *
 * @param entryId the entry, as Redis numbers it
 * @param orderId the order, or null when the entry does not say
 * @param fields the entry as it stands in the stream, for the log
 */
record Job(String entryId, Long orderId, Map<String, String> fields) {
    static final String ORDER_ID = "order_id";
    static final String TRACEPARENT = "traceparent";

    static Job of(String entryId, Map<String, String> fields) {
        return new Job(entryId, parse(fields.get(ORDER_ID)), fields);
    }

    /** Where its trace comes from, or null when it is not traced. */
    String traceparent() {
        return fields.get(TRACEPARENT);
    }

    /** What tells a job that names no order from others: a negative number, the same whenever the entry is read. */
    long surrogateId() {
        String[] parts = entryId.split("-");
        return -(Long.parseLong(parts[0]) * 1_000 + Long.parseLong(parts[1]) % 1_000);
    }

    private static Long parse(String text) {
        try {
            long orderId = Long.parseLong(text);
            return orderId > 0 ? orderId : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
