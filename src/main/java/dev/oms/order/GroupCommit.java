package dev.oms.order;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Lets those who come at the same time share one transaction. Whoever comes while fewer than so many are under way
 * takes all that wait along and goes at once; so nobody ever waits for company, and a lone one pays nothing.
 *
 * @param <T> who comes
 * @see <a href="https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-COMMIT-DELAY">Group commit in
 *     PostgreSQL</a>, which shares the flush alone
 */
final class GroupCommit<T extends GroupCommit.Member> {
    private final Queue<T> waiting = new ConcurrentLinkedQueue<>();
    private final Semaphore permits;
    private final int groupSizeMax;
    private final Consumer<List<T>> transaction;

    /**
     * Groups that go by a transaction.
     *
     * @param permits how many groups may be under way
     * @param groupSizeMax how many make a group at the most
     * @param transaction given a group, commits it or tells each member why not
     */
    GroupCommit(int permits, int groupSizeMax, Consumer<List<T>> transaction) {
        this.permits = new Semaphore(permits);
        this.groupSizeMax = groupSizeMax;
        this.transaction = transaction;
    }

    /** One of a group, made by the thread that waits for it. */
    abstract static class Member {
        final Thread thread = Thread.currentThread();
        volatile boolean done;

        /** Tells it that the transaction it was in has failed. */
        abstract void fail(RuntimeException e);
    }

    /** Returns when the member's transaction is committed, or has failed. */
    void commit(T member) {
        waiting.add(member);
        boolean interrupted = false;
        while (!member.done) {
            if (permits.tryAcquire()) {
                try {
                    commitNextGroup();
                } finally {
                    permits.release();
                    wakeNext();
                }
            } else {
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void commitNextGroup() {
        List<T> group = new ArrayList<>();
        T member;
        while (group.size() < groupSizeMax && (member = waiting.poll()) != null) {
            group.add(member);
        }
        if (group.isEmpty()) {
            return;
        }
        try {
            transaction.accept(group);
        } catch (RuntimeException e) {
            group.forEach(each -> each.fail(e));
        } catch (Error e) {
            group.forEach(each -> each.fail(new IllegalStateException(e)));
            throw e;
        } finally {
            for (T each : group) {
                each.done = true;
                LockSupport.unpark(each.thread);
            }
        }
    }

    // Whoever comes after this look finds a turn free.
    private void wakeNext() {
        T next = waiting.peek();
        if (next != null) {
            LockSupport.unpark(next.thread);
        }
    }
}
