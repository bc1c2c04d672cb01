package dev.oms.order;

import dev.oms.access.KeysChanged;
import dev.oms.http.AdmitCalls;
import dev.oms.http.WaitPreference;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.TransactionPhase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * Lets calls wait until an order is what they wait for. A waiting call holds no thread, no database connection and no
 * place among the calls in progress. One thread serves all of them: it reads announced orders in batches. Because a
 * message may be lost, and there are none without Redis, it also looks by itself at all orders that are waited for.
 *
 * <p>A wait never fails. Whatever happens, its call is answered in time with an order that was read before.
 */
@ApplicationScoped
public class AwaitChange {
    private static final Logger LOG = Logger.getLogger(AwaitChange.class);

    /** How often expired waits are checked. */
    private static final Duration TICK = Duration.ofMillis(50);

    /** How often it looks at all orders that are waited for, while no changes are announced. */
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);

    /** The same while changes are announced: how late a change is noticed whose message was lost. */
    private static final Duration LOOK_EVERY_WHILE_SUBSCRIBED = Duration.ofSeconds(1);

    /** How long after its time a call waits for a last look; without it, it is answered with what it knows. */
    private static final Duration LAST_LOOK = Duration.ofMillis(500);

    /** The maximum number of orders that a query reads. */
    private static final int READ_MAX = 500;

    private final Orders orders;
    private final ChangeNews news;
    private final AdmitCalls admitCalls;
    private final ConcurrentMap<Long, List<Waiting>> waiting = new ConcurrentHashMap<>();

    /** Orders that are waited for and have changed, or may have. */
    private final Set<Long> changed = ConcurrentHashMap.newKeySet();

    /** The highest id that has been announced. Of an order with a higher one, no message can have been missed. */
    private final AtomicLong highestAnnouncedId = new AtomicLong();

    private volatile boolean stopping;

    private volatile Thread thread;

    // Used by the thread only.
    private boolean isSubscribed;
    private long tickNanos = System.nanoTime();
    private long lookNanos = System.nanoTime();

    AwaitChange(Orders orders, ChangeNews news, AdmitCalls admitCalls) {
        this.orders = orders;
        this.news = news;
        this.admitCalls = admitCalls;
    }

    /**
     * How a wait has ended.
     *
     * @param applied the value of {@code Preference-Applied}; null when the call did not wait as it asked to
     */
    record Outcome(OrderView order, String applied) {}

    private static final class Waiting {
        private final long orderId;
        private final Predicate<OrderView> isAwaited;
        private final String applied;
        private final long deadlineNanos;
        private final CompletableFuture<String> ended = new CompletableFuture<>();
        private volatile OrderView order;

        private Waiting(OrderView order, Predicate<OrderView> isAwaited, String applied, long deadlineNanos) {
            this.orderId = order.id();
            this.order = order;
            this.isAwaited = isAwaited;
            this.applied = applied;
            this.deadlineNanos = deadlineNanos;
        }

        private boolean isLate() {
            return deadlineNanos - System.nanoTime() <= 0;
        }

        private void see(OrderView now) {
            order = now;
            if (isAwaited.test(now) || isLate()) {
                ended.complete(applied);
            }
        }

        /** Ends it with the order as it was last read. */
        private void endUnchanged() {
            ended.complete(null);
        }
    }

    /**
     * Waits until an order is what is waited for. The wait counts from the start of the call (RFC 7240 §4.3): when it
     * has taken as long already, it does not wait.
     *
     * @param order as it was read by this call
     * @param wait how long the client wants to wait
     * @param allowed how long its key is still accepted
     * @param startNanos when the call began
     */
    Uni<Outcome> await(
            OrderView order,
            Predicate<OrderView> isAwaited,
            WaitPreference wait,
            Duration allowed,
            long startNanos,
            RoutingContext call) {
        long deadlineNanos = startNanos + Math.min(wait.duration().toNanos(), allowed.toNanos());
        Waiting one = new Waiting(order, isAwaited, wait.applied(), deadlineNanos);
        if (isAwaited.test(order) || one.isLate()) {
            return Uni.createFrom().item(new Outcome(order, wait.applied()));
        }
        Optional<Executor> loop = stopping ? Optional.empty() : admitCalls.suspend(call);
        if (loop.isEmpty()) {
            return Uni.createFrom().item(new Outcome(order, null));
        }
        CompletableFuture<Outcome> outcome =
                one.ended.thenApplyAsync(applied -> new Outcome(one.order, applied), loop.get());
        add(one);
        return Uni.createFrom().emitter(emitter -> {
            // The client may hang up.
            emitter.onTermination(one::endUnchanged);
            outcome.thenAccept(emitter::complete);
        });
    }

    private void add(Waiting one) {
        waiting.merge(
                one.orderId,
                List.of(one),
                (some, more) -> Stream.concat(some.stream(), more.stream()).toList());
        one.ended.thenRun(() -> waiting.computeIfPresent(one.orderId, (id, all) -> without(one, all)));
        one.ended.completeOnTimeout(
                null, one.deadlineNanos + LAST_LOOK.toNanos() - System.nanoTime(), TimeUnit.NANOSECONDS);
        if (stopping) {
            one.endUnchanged();
        }
        // In this order: a message comes either before this, or when the order is found to be waited for.
        if (one.orderId <= highestAnnouncedId.get()) {
            changed.add(one.orderId);
        }
        LockSupport.unpark(thread());
    }

    private static List<Waiting> without(Waiting one, List<Waiting> all) {
        List<Waiting> others = all.stream().filter(other -> other != one).toList();
        return others.isEmpty() ? null : others;
    }

    private synchronized Thread thread() {
        if (thread == null) {
            thread = Thread.ofVirtual().name("await-change").start(this::run);
        }
        return thread;
    }

    /** Has the orders read that are waited for and have changed. */
    void onChanged(@Observes(during = TransactionPhase.AFTER_SUCCESS) OrdersChanged orders) {
        onChanged(orders.orderIds());
    }

    private void onChanged(List<Long> orderIds) {
        for (long id : orderIds) {
            highestAnnouncedId.accumulateAndGet(id, Math::max);
            if (waiting.containsKey(id)) {
                changed.add(id);
            }
        }
        if (!changed.isEmpty()) {
            LockSupport.unpark(thread());
        }
    }

    private void run() {
        while (!stopping || !waiting.isEmpty()) {
            try {
                if (waiting.isEmpty()) {
                    LockSupport.park(this);
                } else if (changed.isEmpty()) {
                    LockSupport.parkNanos(this, tickNanos - System.nanoTime());
                }
                if (System.nanoTime() - tickNanos >= 0) {
                    tick();
                }
                read();
            } catch (RuntimeException | Error e) {
                // Each wait has its own time-out. No Error may end this thread, which is not started again.
                LOG.debug("Orders that are waited for cannot be read", e);
                LockSupport.parkNanos(this, LOOK_EVERY.toNanos());
            }
        }
    }

    private void tick() {
        long now = System.nanoTime();
        tickNanos = now + TICK.toNanos();
        boolean isSubscribedNow = news.follow(this::onChanged);
        if (isSubscribedNow != isSubscribed || now - lookNanos >= 0) {
            isSubscribed = isSubscribedNow;
            lookNanos = now + (isSubscribed ? LOOK_EVERY_WHILE_SUBSCRIBED : LOOK_EVERY).toNanos();
            look();
        }
        waiting.values().stream()
                .flatMap(List::stream)
                .filter(Waiting::isLate)
                .forEach(one -> changed.add(one.orderId));
    }

    private void look() {
        if (!waiting.isEmpty()) {
            orders.versions(waiting.keySet()).forEach((id, version) -> {
                if (waiting.getOrDefault(id, List.of()).stream().anyMatch(one -> one.order.version() != version)) {
                    changed.add(id);
                }
            });
        }
    }

    private void read() {
        List<Long> ids = new ArrayList<>();
        for (long id : changed) {
            if (ids.size() < READ_MAX) {
                changed.remove(id);
                if (waiting.containsKey(id)) {
                    ids.add(id);
                }
            }
        }
        if (ids.isEmpty()) {
            return;
        }
        try {
            for (OrderView order : orders.viewAll(ids)) {
                waiting.getOrDefault(order.id(), List.of()).forEach(one -> one.see(order));
            }
        } catch (RuntimeException e) {
            changed.addAll(ids);
            throw e;
        }
    }

    /** A key that has been revoked must not learn more. */
    void end(@Observes KeysChanged keys) {
        // Not on the event loop that reads Redis's reply.
        Thread.startVirtualThread(this::end);
    }

    void stop(@Observes ShutdownDelayInitiatedEvent event) {
        stop();
    }

    void stop(@Observes ShutdownEvent event) {
        stop();
    }

    private void stop() {
        stopping = true;
        end();
        LockSupport.unpark(thread);
    }

    private void end() {
        waiting.values().forEach(all -> all.forEach(Waiting::endUnchanged));
    }
}
