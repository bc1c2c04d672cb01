package dev.oms.webhook;

import java.util.ArrayList;
import java.util.List;

/**
 * The last events of the feed, read once for all endpoints, up to a number and a size. Used by the dispatching thread
 * only.
 */
final class Tail {
    private static final int MAX = 20_000;
    static final int BYTES_MAX = 16 << 20;

    private final List<Message> messages = new ArrayList<>();
    private long start;
    private long position;
    private long bytes;

    /** Begins anew, after a position. */
    void begin(long after) {
        messages.clear();
        bytes = 0;
        start = after;
        position = after;
    }

    /** Adds what follows. */
    void add(List<Message> more, long upTo) {
        messages.addAll(more);
        bytes += bytes(more);
        position = upTo;
        while (messages.size() > MAX || bytes > BYTES_MAX && messages.size() > 1) {
            List<Message> oldest = messages.subList(0, messages.size() / 2);
            start = oldest.getLast().position();
            bytes -= bytes(oldest);
            oldest.clear();
        }
    }

    private static long bytes(List<Message> messages) {
        return messages.stream().mapToLong(message -> message.body().length).sum();
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
