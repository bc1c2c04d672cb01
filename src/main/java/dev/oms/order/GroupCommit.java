package dev.oms.order;

import dev.oms.http.DatabaseFailure;
import dev.oms.http.ProblemException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Groups concurrent requests into one transaction. A caller that finds a free permit leads: its own thread commits
 * everything that is waiting, itself included, at once. So nobody waits for a group to fill, and a lone request costs
 * nothing extra.
 *
 * <p>Nobody waits without limit either. A request that no leader has taken in time is withdrawn, and nothing was
 * changed; one whose group has no outcome in time is in doubt. Groups that are stuck, because their connections are
 * silent, do not stop the others: a request that has waited for a while may lead a group with a spare permit.
 *
 * @param <T> the request
 * @param <R> the outcome of a request
 * @see <a href="https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-COMMIT-DELAY">Group commit in
 *     PostgreSQL</a>, which shares only the flush
 */
final class GroupCommit<T extends GroupCommit.Member<R>, R> {
    private final Queue<T> waiting = new ConcurrentLinkedQueue<>();
    private final Semaphore permits;
    private final Semaphore spares;
    private final int groupSizeMax;
    private final Deadlines deadlines;
    private final Consumer<List<T>> transaction;

    /** When a group last began or ended without a spare permit. */
    private volatile long lastTurnNanos = System.nanoTime();

    /**
     * How long a request may wait, counted from its creation.
     *
     * @param useSpareAfter after this it may lead with a spare permit, and at once when the other groups have been
     *     stuck for as long
     * @param turn after this it is withdrawn unless a leader has taken it
     * @param outcome after this it is in doubt; longer than a transaction can last
     */
    record Deadlines(Duration useSpareAfter, Duration turn, Duration outcome) {}

    /**
     * Creates an empty queue.
     *
     * @param permits how many groups may commit at the same time
     * @param spares how many more may when those take long
     * @param groupSizeMax the maximum size of a group
     * @param transaction commits a group, and tells each member its outcome; those that it tells nothing have failed
     */
    GroupCommit(int permits, int spares, int groupSizeMax, Deadlines deadlines, Consumer<List<T>> transaction) {
        this.permits = new Semaphore(permits);
        this.spares = new Semaphore(spares);
        this.groupSizeMax = groupSizeMax;
        this.deadlines = deadlines;
        this.transaction = transaction;
    }

    /** A request, created by the thread that waits for it. The first outcome that it is told is the one that counts. */
    abstract static class Member<R> {
        final Thread thread = Thread.currentThread();
        private final long createdNanos = System.nanoTime();
        /** By a leader, or by itself when it withdraws. */
        final AtomicBoolean taken = new AtomicBoolean();

        private final CompletableFuture<R> outcome = new CompletableFuture<>();

        /** Ends the member's wait at once. */
        final void succeed(R result) {
            outcome.complete(result);
            LockSupport.unpark(thread);
        }

        /** Ends the member's wait at once. */
        final void fail(RuntimeException e) {
            outcome.completeExceptionally(e);
            LockSupport.unpark(thread);
        }

        final boolean isDone() {
            return outcome.isDone();
        }

        /** The outcome of a member that is done. Throws what it failed with. */
        final R outcome() {
            try {
                return outcome.join();
            } catch (CompletionException e) {
                throw (RuntimeException) e.getCause();
            }
        }

        boolean take() {
            return taken.compareAndSet(false, true);
        }

        long remainingNanos(Duration deadline) {
            return createdNanos + deadline.toNanos() - System.nanoTime();
        }
    }

    /**
     * Returns the outcome of the member's transaction, or throws what it failed with.
     *
     * @throws ProblemException 503 when the member was withdrawn
     * @throws DatabaseFailure.AutoCommitFailure in doubt, when there is no outcome in time
     */
    R commit(T member) {
        waiting.add(member);
        boolean interrupted = false;
        while (!member.isDone()) {
            Semaphore permit = member.taken.get() ? null : tryAcquire(member);
            if (permit == null) {
                park(member);
                interrupted |= Thread.interrupted();
            } else {
                try {
                    commitNextGroup(member);
                } finally {
                    if (permit == permits) {
                        lastTurnNanos = System.nanoTime();
                    }
                    permit.release();
                    wakeNext();
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return member.outcome();
    }

    private Semaphore tryAcquire(T member) {
        if (permits.tryAcquire()) {
            lastTurnNanos = System.nanoTime();
            return permits;
        }
        boolean maySpare = member.remainingNanos(deadlines.useSpareAfter) <= 0 || areGroupsStuck();
        return maySpare && spares.tryAcquire() ? spares : null;
    }

    private boolean areGroupsStuck() {
        return System.nanoTime() - lastTurnNanos > deadlines.useSpareAfter.toNanos();
    }

    private void park(T member) {
        long nanos = member.remainingNanos(deadlines.outcome);
        if (member.taken.get()) {
            if (nanos <= 0) {
                member.fail(new DatabaseFailure.AutoCommitFailure(
                        new SQLException("The database has not answered in time", "40003")));
                return;
            }
        } else {
            long untilWithdrawn = member.remainingNanos(deadlines.turn);
            if (untilWithdrawn <= 0) {
                withdraw(member);
                return;
            }
            nanos = Math.min(nanos, untilWithdrawn);
            long untilSpare = member.remainingNanos(deadlines.useSpareAfter);
            if (untilSpare > 0) {
                nanos = Math.min(nanos, untilSpare);
            }
        }
        LockSupport.parkNanos(this, nanos);
    }

    private void withdraw(T member) {
        if (member.take()) {
            waiting.remove(member);
            member.fail(ProblemException.busy("The database is busy; nothing was changed. Try again."));
            // It may have been woken to lead.
            wakeNext();
        }
    }

    private void commitNextGroup(T leader) {
        // Another leader may just have taken it: its outcome must not wait for that of strangers.
        if (!leader.take()) {
            return;
        }
        // The leader's own request goes first. Otherwise it could be woken as the next leader while it is still
        // leading.
        List<T> group = new ArrayList<>(List.of(leader));
        T member;
        while (group.size() < groupSizeMax && (member = waiting.poll()) != null) {
            if (member.take()) {
                group.add(member);
            }
        }
        // Two leaders that end together wake the same member. It takes one turn, and wakes the next for the other.
        if (permits.availablePermits() > 0) {
            wakeNext();
        }
        RuntimeException failure = new IllegalStateException("The transaction left out a member of its group");
        try {
            transaction.accept(group);
        } catch (RuntimeException e) {
            failure = e;
        } catch (Error e) {
            failure = new IllegalStateException(e);
            throw e;
        } finally {
            for (T each : group) {
                if (!each.isDone()) {
                    each.fail(failure);
                }
            }
        }
    }

    // A member that arrives after this check finds a free permit.
    private void wakeNext() {
        T next;
        while ((next = waiting.peek()) != null && next.taken.get()) {
            waiting.remove(next);
        }
        if (next != null) {
            LockSupport.unpark(next.thread);
        }
    }
}
