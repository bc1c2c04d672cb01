package dev.oms.order;

import dev.oms.http.BodyLimit;
import dev.oms.http.Texts;
import jakarta.inject.Singleton;

/**
 * Room for {@link OrderResource#ITEMS_MAX} items with the longest names, every character of which is escaped (<code>
 * &#92;u4e16</code>, six bytes), one to a line, and 1 KiB for the rest of an order.
 */
@Singleton
class OrderBodyLimit implements BodyLimit {
    /** The indentation, quotes, punctuation and ten digits of a line of formatted JSON. */
    private static final int LINE_MAX_BYTES = 24;

    @Override
    public String path() {
        return "/orders";
    }

    @Override
    public int maxBytes() {
        return OrderResource.ITEMS_MAX * (6 * Texts.NAME_MAX + LINE_MAX_BYTES) + 1024;
    }
}
