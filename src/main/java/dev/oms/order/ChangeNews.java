package dev.oms.order;

import java.util.List;
import java.util.function.Consumer;

/** Announces orders that other processes have changed. */
public interface ChangeNews {
    /**
     * To be called several times a second by whoever waits for changes, and by one thread at a time. Neither blocks nor
     * throws.
     *
     * @param changed receives the ids of orders that have changed, on any thread; some may be lost
     * @return whether it is subscribed to changes; when this becomes true, some may have been missed
     */
    boolean follow(Consumer<List<Long>> changed);
}
