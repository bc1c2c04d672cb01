package dev.oms.order;

import dev.oms.http.Actor;
import dev.oms.http.IdempotencyKey;
import dev.oms.http.ProblemException;
import dev.oms.order.Placement.Outcome;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Accepts orders: an order, its lines, its due deduction and its idempotency key commit together, or none of them does.
 *
 * <p>Concurrent orders are {@linkplain InsertOrders inserted together}. An order that a group skips, because somebody
 * has locked its user, an item or its key, is then placed alone, and waits.
 */
@ApplicationScoped
class PlaceOrder {
    private static final Logger LOG = Logger.getLogger(PlaceOrder.class);

    // In a larger group each order's share of the commit hardly shrinks, while the first order waits for the last one's
    // rows.
    private static final int GROUP_SIZE_MAX = 64;

    // While one group commits, the next is on its way.
    private static final int CONCURRENT_GROUPS = 2;

    // Together with the groups they use all connections of the data source "placing".
    private static final int SPARE_GROUPS = 2;
    private static final int CONCURRENT_ALONE = 4;

    /**
     * How many orders that a group has skipped may wait at a time. Beyond it they are refused at once: the orders for
     * one held row must not take all the calls that a process serves.
     */
    private static final int SKIPPED_MAX = 200;

    /**
     * An order waits for its turn for as long as PostgreSQL waits for a lock. The outcome's deadline exceeds the sum of
     * all that it contains: the turn (5 s), the wait for a connection (2 s) and the driver's socket time-out (35 s).
     */
    private static final GroupCommit.Deadlines DEADLINES =
            new GroupCommit.Deadlines(Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofSeconds(45));

    /** A skipped order waits this long for its turn to wait alone before it tries another group, up to five times. */
    private static final Duration ALONE_WAIT = Duration.ofSeconds(1);

    private static final int ALONE_WAITS_MAX = 5;

    /**
     * The maximum age at which an order is retried. So placing takes no longer than this and the outcome's deadline:
     * less than the idle time-out of the HTTP connection.
     */
    private static final Duration RETRY_AGE_MAX = Duration.ofSeconds(10);

    private final InsertOrders insertOrders;
    private final IdempotencyKeys keys;
    private final Event<StockDue> stockDue;
    private final GroupCommit<Placement, Outcome> groups;
    private final Semaphore alone = new Semaphore(CONCURRENT_ALONE);
    private final Semaphore skipped = new Semaphore(SKIPPED_MAX);

    PlaceOrder(InsertOrders insertOrders, IdempotencyKeys keys, Event<StockDue> stockDue) {
        this.insertOrders = insertOrders;
        this.keys = keys;
        this.stockDue = stockDue;
        this.groups = new GroupCommit<>(
                CONCURRENT_GROUPS, SPARE_GROUPS, GROUP_SIZE_MAX, DEADLINES, insertOrders::insertTogether);
    }

    /**
     * Places an order in a transaction that it may share with others. Must not be called inside a transaction.
     *
     * @param quantities quantities by item name: at least one item, each quantity at least 1
     * @param actor who places it
     * @param key the idempotency key, or null
     * @return the order, or nothing when its key has placed an order before
     * @throws ProblemException 404 when there is no such user, 422 when an item is not on sale
     */
    Optional<OrderView> place(long userId, Map<String, Long> quantities, Actor actor, IdempotencyKey key) {
        Placement placement = new Placement(userId, quantities, actor, key);
        Outcome outcome = withoutExpiredKey(placement, groups.commit(placement));
        if (outcome instanceof Outcome.Skipped) {
            if (!skipped.tryAcquire()) {
                throw busy();
            }
            try {
                outcome = placeSkipped(placement);
            } finally {
                skipped.release();
            }
        }
        return switch (outcome) {
            case Outcome.Placed(OrderView order) -> {
                announce(order.id());
                yield Optional.of(order);
            }
            case Outcome.KeyUsed used -> Optional.empty();
            case Outcome.Skipped _, Outcome.KeyExpired _ -> throw busy();
        };
    }

    private void announce(long orderId) {
        try {
            stockDue.fire(new StockDue(orderId));
        } catch (RuntimeException e) {
            // The order is committed, and its row says that stock is due: the reconciler finds it.
            LOG.errorf(e, "Order %d was placed, but an observer of StockDue failed", orderId);
        }
    }

    /** Deletes the order's key if it has expired, so that the next attempt can place the order. */
    private Outcome withoutExpiredKey(Placement placement, Outcome outcome) {
        if (outcome instanceof Outcome.KeyExpired) {
            keys.deleteExpired(placement.userId(), placement.key());
            return new Outcome.Skipped();
        }
        return outcome;
    }

    /** Outside the group's turn, so that nobody else waits for it. */
    private Outcome placeSkipped(Placement placement) {
        Outcome outcome = new Outcome.Skipped();
        for (int waits = 0; waits < ALONE_WAITS_MAX && outcome instanceof Outcome.Skipped; waits++) {
            requireTime(placement);
            if (tryAcquireAlone()) {
                try {
                    return placeAlone(placement);
                } finally {
                    alone.release();
                }
            }
            // Orders for what is held for longer may have all the turns, and what this one needs may be free by now.
            requireTime(placement);
            outcome = withoutExpiredKey(placement, groups.commit(placement.again()));
        }
        return outcome;
    }

    private Outcome placeAlone(Placement placement) {
        Outcome outcome = new Outcome.Skipped();
        // Twice, because what the first attempt waited for may have been deleted, which another snapshot shows.
        for (int attempts = 0; attempts < 2 && outcome instanceof Outcome.Skipped; attempts++) {
            requireTime(placement);
            Placement again = placement.again();
            insertOrders.insertAlone(again);
            outcome = withoutExpiredKey(placement, again.outcome());
        }
        return outcome;
    }

    private boolean tryAcquireAlone() {
        try {
            return alone.tryAcquire(ALONE_WAIT.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw busy();
        }
    }

    private static void requireTime(Placement placement) {
        if (placement.remainingNanos(RETRY_AGE_MAX) <= 0) {
            throw busy();
        }
    }

    private static ProblemException busy() {
        return ProblemException.busy(
                "The order's user, one of its items or its key is in use; nothing was changed. Try again.");
    }
}
