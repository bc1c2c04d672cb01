package dev.oms.order;

import dev.oms.http.Actor;
import dev.oms.http.IdempotencyKey;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Places one order per idempotency key, however often the request is sent. The key commits with the order, so a failed
 * attempt leaves neither. Of two concurrent attempts, one waits for the other to end and then finds its order: in one
 * process by {@link #attempts}, without a database connection; in two processes by an advisory lock.
 */
@ApplicationScoped
class PlaceOnce {
    /** How long a request waits for others with its key. The outcome of one that is slower is for a later retry. */
    private static final Duration WAIT_MAX = Duration.ofSeconds(20);

    /**
     * How many requests may wait for others at a time. Beyond it they are refused at once: the requests with one key
     * must not take all the calls that a process serves.
     */
    private static final int WAITERS_MAX = 200;

    /**
     * A request that has waited for longer does not attempt to place the order itself: with the 55 s that this may
     * take, it would outlast the idle time-out of its HTTP connection.
     */
    private static final Duration ATTEMPT_WITHIN = Duration.ofSeconds(4);

    private final PlaceOrder placeOrder;
    private final Orders orders;
    private final IdempotencyKeys keys;
    private final ConcurrentMap<UserKey, CountDownLatch> attempts = new ConcurrentHashMap<>();
    private final Semaphore waiters = new Semaphore(WAITERS_MAX);

    private record UserKey(long userId, IdempotencyKey key) {}

    PlaceOnce(PlaceOrder placeOrder, Orders orders, IdempotencyKeys keys) {
        this.placeOrder = placeOrder;
        this.orders = orders;
        this.keys = keys;
    }

    /** An order, and whether it had been placed before. */
    record Placed(OrderView order, boolean replayed) {}

    /**
     * Places an order, unless the user's key has already placed it. Must not be called inside a transaction.
     *
     * @throws ProblemException as {@link PlaceOrder} does, and 422 when the key has placed a different order
     */
    Placed place(long userId, Map<String, Long> quantities, Actor actor, IdempotencyKey key) {
        UserKey id = new UserKey(userId, key);
        CountDownLatch own = new CountDownLatch(1);
        long startedNanos = System.nanoTime();
        for (CountDownLatch other; (other = attempts.putIfAbsent(id, own)) != null; ) {
            await(other, startedNanos + WAIT_MAX.toNanos());
            Optional<Placed> earlier = find(userId, quantities, key);
            if (earlier.isPresent()) {
                return earlier.get();
            }
            // The other attempt has failed.
            if (System.nanoTime() - startedNanos > ATTEMPT_WITHIN.toNanos()) {
                throw ProblemException.busy("Another request with this " + IdempotencyKey.HEADER
                        + " has failed; this one was not tried. Try again.");
            }
        }
        try {
            return attempt(userId, quantities, actor, key);
        } finally {
            attempts.remove(id);
            own.countDown();
        }
    }

    private Placed attempt(long userId, Map<String, Long> quantities, Actor actor, IdempotencyKey key) {
        Optional<OrderView> order;
        try {
            order = placeOrder.place(userId, quantities, actor, key);
        } catch (ProblemException refused) {
            // Another process may have placed it after the statement's snapshot, when it still could be placed.
            return find(userId, quantities, key).orElseThrow(() -> refused);
        }
        if (order.isPresent()) {
            return new Placed(order.get(), false);
        }
        return find(userId, quantities, key)
                .orElseThrow(() -> ProblemException.busy(
                        "The " + IdempotencyKey.HEADER + " has just expired; nothing was changed. Try again."));
    }

    private Optional<Placed> find(long userId, Map<String, Long> quantities, IdempotencyKey key) {
        return keys.find(userId, key).map(stored -> {
            if (!Arrays.equals(Fingerprint.of(userId, quantities), stored.fingerprint())) {
                throw ProblemException.invalid(
                        IdempotencyKey.HEADER, "was used for another order; send this one with a new key");
            }
            return new Placed(orders.view(stored.orderId()), true);
        });
    }

    private void await(CountDownLatch other, long deadlineNanos) {
        if (waiters.tryAcquire()) {
            try {
                if (other.await(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    return;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                waiters.release();
            }
        }
        throw ProblemException.busy(
                "Another request with this " + IdempotencyKey.HEADER + " has no outcome yet. Try again.");
    }
}
