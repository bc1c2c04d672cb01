package dev.oms.order;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Groups concurrent requests into one transaction. A caller that finds a free permit leads: its own thread commits
 * everything that is waiting, itself included, at once. So nobody waits for a group to fill, and a lone request costs
 * nothing extra.
 *
 * @param <T> the request
 * @see <a href="https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-COMMIT-DELAY">Group commit in
 *     PostgreSQL</a>, which shares only the flush
 */
final class GroupCommit<T extends GroupCommit.Member> {
    private final Queue<T> waiting = new ConcurrentLinkedQueue<>();
    private final Semaphore permits;
    private final int groupSizeMax;
    private final Consumer<List<T>> transaction;

    /**
     * Creates an empty queue.
     *
     * @param permits how many groups may commit at the same time
     * @param groupSizeMax the maximum size of a group
     * @param transaction commits a group; a member that it leaves out has been {@linkplain Member#fail failed}
     */
    GroupCommit(int permits, int groupSizeMax, Consumer<List<T>> transaction) {
        this.permits = new Semaphore(permits);
        this.groupSizeMax = groupSizeMax;
        this.transaction = transaction;
    }

    /** A request, created by the thread that waits for it. */
    abstract static class Member {
        final Thread thread = Thread.currentThread();
        volatile boolean done;

        /** Records that the member's transaction failed. */
        abstract void fail(RuntimeException e);
    }

    /** Returns when the member's transaction has been committed or has failed. */
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

    // A member that arrives after this check finds a free permit.
    private void wakeNext() {
        T next = waiting.peek();
        if (next != null) {
            LockSupport.unpark(next.thread);
        }
    }
}
