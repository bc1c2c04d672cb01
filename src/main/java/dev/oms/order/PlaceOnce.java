package dev.oms.order;

import dev.oms.http.IdempotencyKey;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * Places one order per idempotency key, however often the request is sent. The key commits with the order, so a failed
 * attempt leaves neither. Of two concurrent attempts, one waits for the other to end and then finds its order.
 */
@ApplicationScoped
class PlaceOnce {
    private final PlaceOrder placeOrder;
    private final Orders orders;
    private final IdempotencyKeys keys;

    PlaceOnce(PlaceOrder placeOrder, Orders orders, IdempotencyKeys keys) {
        this.placeOrder = placeOrder;
        this.orders = orders;
        this.keys = keys;
    }

    /** An order, and whether it had been placed before. */
    record Placed(OrderView order, boolean replayed) {}

    /**
     * Places an order, unless the user's key has already placed it.
     *
     * @throws ProblemException as {@link PlaceOrder} does, and 422 when the key has placed a different order
     */
    @Transactional
    Placed place(long userId, Map<String, Long> quantities, IdempotencyKey key) {
        byte[] fingerprint = Fingerprint.of(userId, quantities);
        // A statement of its own: after a wait, the lookup needs a snapshot that includes what was committed meanwhile.
        keys.lock(userId, key);
        Optional<IdempotencyKeys.StoredKey> stored = keys.find(userId, key);
        if (stored.isEmpty()) {
            OrderView order = placeOrder.placeInTransaction(userId, quantities);
            keys.store(userId, key, fingerprint, order.id());
            return new Placed(order, false);
        }
        if (!Arrays.equals(fingerprint, stored.get().fingerprint())) {
            throw ProblemException.invalid(
                    IdempotencyKey.HEADER, "was used for another order; send this one with a new key");
        }
        return new Placed(orders.view(stored.get().orderId()), true);
    }
}
