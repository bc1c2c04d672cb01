package dev.oms.rails;

import dev.oms.inventory.InventoryItem;

/** The ids that rows may keep. They leave enough for the rows that OMS will add, whose ids follow the highest one. */
final class Ids {
    /** The highest id of a user or an order: half of those that clients can tell apart that read numbers as doubles. */
    static final long MAX = (1L << 52) - 1;

    /** The highest id of an item: half of the ids that OMS can sort by. */
    static final long ITEM_MAX = InventoryItem.ID_LIMIT / 2 - 1;

    private Ids() {}

    static void require(long id, long max) throws Unacceptable {
        if (id < 1 || id > max) {
            throw new Unacceptable("has an id that is not between 1 and " + max);
        }
    }
}
