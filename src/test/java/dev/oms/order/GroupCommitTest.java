package dev.oms.order;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class GroupCommitTest {
    private final List<List<Integer>> groups = Collections.synchronizedList(new ArrayList<>());

    private static final class TestMember extends GroupCommit.Member {
        private final int number;
        private RuntimeException failure;

        TestMember(int number) {
            this.number = number;
        }

        @Override
        void fail(RuntimeException e) {
            failure = e;
        }
    }

    private void recordGroup(List<TestMember> group) {
        groups.add(group.stream().map(member -> member.number).toList());
    }

    @Test
    void aLoneRequestCommitsAtOnceInItsOwnThread() {
        Thread caller = Thread.currentThread();
        List<Thread> threads = new ArrayList<>();
        GroupCommit<TestMember> groupCommit = new GroupCommit<>(1, 10, group -> threads.add(Thread.currentThread()));

        groupCommit.commit(new TestMember(1));

        assertThat(threads).containsExactly(caller);
    }

    @Test
    void requestsThatArriveMeanwhileAreGroupedInOrder() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        AtomicInteger waiting = new AtomicInteger();
        GroupCommit<TestMember> groupCommit = new GroupCommit<>(1, 3, group -> {
            recordGroup(group);
            if (group.getFirst().number == 0) {
                arrived.countDown();
                awaitUninterruptibly(leave);
            }
        });
        try (ExecutorService executor = Executors.newCachedThreadPool()) {
            List<Future<?>> commits = new ArrayList<>();
            commits.add(executor.submit(() -> groupCommit.commit(new TestMember(0))));
            arrived.await();

            for (int i = 1; i <= 4; i++) {
                Thread[] thread = new Thread[1];
                int number = i;
                commits.add(executor.submit(() -> {
                    thread[0] = Thread.currentThread();
                    waiting.incrementAndGet();
                    groupCommit.commit(new TestMember(number));
                }));
                // One after the other, so that their order in the queue is known.
                await().until(() -> waiting.get() == number && thread[0].getState() == Thread.State.WAITING);
            }
            leave.countDown();
            for (Future<?> each : commits) {
                each.get();
            }
        }

        assertThat(groups).containsExactly(List.of(0), List.of(1, 2, 3), List.of(4));
    }

    @Test
    void commitsEveryRequestExactlyOnce() throws Exception {
        AtomicInteger underWay = new AtomicInteger();
        AtomicInteger mostUnderWay = new AtomicInteger();
        GroupCommit<TestMember> groupCommit = new GroupCommit<>(2, 5, group -> {
            mostUnderWay.accumulateAndGet(underWay.incrementAndGet(), Math::max);
            recordGroup(group);
            Thread.yield();
            underWay.decrementAndGet();
        });
        int each = 2_000;
        try (ExecutorService executor = Executors.newFixedThreadPool(16)) {
            List<Future<?>> commits = new ArrayList<>();
            for (int thread = 0; thread < 16; thread++) {
                int first = thread * each;
                commits.add(executor.submit(() -> {
                    for (int i = 0; i < each; i++) {
                        groupCommit.commit(new TestMember(first + i));
                    }
                }));
            }
            for (Future<?> thread : commits) {
                thread.get();
            }
        }

        assertThat(groups.stream().flatMap(List::stream).toList())
                .hasSize(16 * each)
                .doesNotHaveDuplicates();
        assertThat(groups).allMatch(group -> group.size() <= 5);
        assertThat(mostUnderWay.get()).isLessThanOrEqualTo(2);
    }

    @Test
    void failsTheWholeGroupAndContinues() {
        RuntimeException failure = new IllegalStateException("the database is unavailable");
        GroupCommit<TestMember> groupCommit = new GroupCommit<>(1, 10, group -> {
            if (group.getFirst().number == 1) {
                throw failure;
            }
        });
        TestMember unlucky = new TestMember(1);
        TestMember lucky = new TestMember(2);

        groupCommit.commit(unlucky);
        groupCommit.commit(lucky);

        assertThat(unlucky.failure).isSameAs(failure);
        assertThat(lucky.failure).isNull();
    }

    @Test
    void anInterruptIsPreservedAndDoesNotEndTheWait() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        GroupCommit<TestMember> groupCommit = new GroupCommit<>(1, 10, group -> {
            recordGroup(group);
            arrived.countDown();
            awaitUninterruptibly(leave);
        });
        boolean[] interrupted = new boolean[1];
        Thread first = Thread.ofPlatform().start(() -> groupCommit.commit(new TestMember(0)));
        arrived.await();
        Thread second = Thread.ofPlatform().start(() -> {
            groupCommit.commit(new TestMember(1));
            interrupted[0] = Thread.currentThread().isInterrupted();
        });
        await().until(() -> second.getState() == Thread.State.WAITING);

        second.interrupt();
        leave.countDown();
        first.join();
        second.join();

        assertThat(groups).containsExactly(List.of(0), List.of(1));
        assertThat(interrupted[0]).isTrue();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
