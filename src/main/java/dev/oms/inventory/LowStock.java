package dev.oms.inventory;

import java.util.Map;
import org.jboss.logging.Logger;

/** An item that fell below its threshold. */
public record LowStock(long itemId, String name, long quantity, long threshold) {
    private static final Logger LOG = Logger.getLogger(LowStock.class);

    /** What a reader of the event needs to know. */
    Map<String, ?> detail() {
        return Map.of("name", name, "quantity", quantity, "threshold", threshold);
    }

    /** Warns the shop, which must reorder the item. Call it after the commit. */
    public void warn() {
        LOG.warnf("Low stock: item_id=%d name=\"%s\" quantity=%d threshold=%d", itemId, name, quantity, threshold);
    }
}
