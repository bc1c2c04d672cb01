package dev.oms.job;

import java.util.Map;

/**
 * An entry of the stream. It means "make this order's stock right".
 *
 * @param entryId Redis's id of the entry
 * @param orderId the order, or null if the entry names none
 * @param fields the raw entry, for the log
 */
record Job(String entryId, Long orderId, Map<String, String> fields) {
    static final String ORDER_ID = "order_id";
    static final String TRACEPARENT = "traceparent";

    static Job of(String entryId, Map<String, String> fields) {
        return new Job(entryId, parse(fields.get(ORDER_ID)), fields);
    }

    /** The W3C trace context of the call that sent the job, or null if it is not traced. */
    String traceparent() {
        return fields.get(TRACEPARENT);
    }

    /**
     * Identifies a job that names no order: a negative number derived from the entry's id, so it is the same whenever
     * the entry is read.
     */
    long surrogateId() {
        long number = sentMillis(entryId) * 1_000 + Long.remainderUnsigned(sequence(entryId), 1_000);
        return -Math.max(1, number & Long.MAX_VALUE);
    }

    /**
     * The time in an entry's id, in milliseconds by Redis's clock: an unsigned 64-bit number, as is the sequence number
     * after it.
     */
    static long sentMillis(String entryId) {
        return Long.parseUnsignedLong(entryId.substring(0, entryId.indexOf('-')));
    }

    /** Compares two entry ids. */
    static int compareIds(String a, String b) {
        int byTime = Long.compareUnsigned(sentMillis(a), sentMillis(b));
        return byTime != 0 ? byTime : Long.compareUnsigned(sequence(a), sequence(b));
    }

    private static long sequence(String entryId) {
        return Long.parseUnsignedLong(entryId.substring(entryId.indexOf('-') + 1));
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
