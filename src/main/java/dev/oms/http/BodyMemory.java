package dev.oms.http;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that request bodies occupy, from the first byte received until the call has ended. It is limited to an
 * eighth of the heap, because the number of calls times the largest body would exceed the heap.
 */
@ApplicationScoped
class BodyMemory {
    private final long maxBytes;
    private final AtomicLong inUse = new AtomicLong();

    @Inject
    BodyMemory() {
        this(Runtime.getRuntime().maxMemory() / 8);
    }

    BodyMemory(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** Reserves memory, or returns false if it would exceed the limit. */
    boolean reserve(int bytes) {
        if (inUse.addAndGet(bytes) > maxBytes) {
            inUse.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    void release(int bytes) {
        inUse.addAndGet(-bytes);
    }

    /** The bytes that are reserved at the moment. */
    long inUse() {
        return inUse.get();
    }
}
