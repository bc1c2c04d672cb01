package dev.oms.order;

import java.util.List;
import java.util.function.Consumer;

/** Tells of orders that other processes change. */
public interface ChangeNews {
    /**
     * To be called several times a second by whoever waits for changes, and by one thread at a time. Does not block.
     *
     * @param changed is told the ids of orders that have changed, by any thread; some may be lost
     * @return whether changes are being told; when this becomes true, some may have been missed
     */
    boolean follow(Consumer<List<Long>> changed);
}
