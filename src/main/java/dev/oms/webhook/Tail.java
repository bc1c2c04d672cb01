package dev.oms.webhook;

import java.util.ArrayList;
import java.util.List;

/** The last events of the feed, read once for all endpoints. Used by the dispatching thread only. */
final class Tail {
    private static final int MAX = 20_000;

    private final List<Message> messages = new ArrayList<>();
    private long start;
    private long position;

    /** Begins anew, after a position. */
    void begin(long after) {
        messages.clear();
        start = after;
        position = after;
    }

    /** Adds what follows. */
    void add(List<Message> more, long upTo) {
        messages.addAll(more);
        position = upTo;
        if (messages.size() > MAX) {
            List<Message> oldest = messages.subList(0, messages.size() / 2);
            start = oldest.getLast().position();
            oldest.clear();
        }
    }

    /** Whether it has everything after this position, up to its own. */
    boolean covers(long after) {
        return after >= start;
    }

    /** Up to where it goes. */
    long position() {
        return position;
    }

    /** The first messages after a position that it covers. */
    List<Message> after(long after, int limit) {
        int low = 0;
        int high = messages.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (messages.get(middle).position() <= after) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return List.copyOf(messages.subList(low, Math.min(low + limit, messages.size())));
    }
}
