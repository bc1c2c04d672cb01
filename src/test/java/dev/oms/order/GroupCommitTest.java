package dev.oms.order;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.http.DatabaseFailure;
import dev.oms.http.ProblemException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class GroupCommitTest {
    private final List<List<Integer>> groups = Collections.synchronizedList(new ArrayList<>());

    private static final class TestMember extends GroupCommit.Member<Integer> {
        private final int number;

        TestMember(int number) {
            this.number = number;
        }
    }

    private void recordGroup(List<TestMember> group) {
        groups.add(group.stream().map(member -> member.number).toList());
        succeed(group);
    }

    private static void succeed(List<TestMember> group) {
        group.forEach(member -> member.succeed(member.number));
    }

    private static GroupCommit<TestMember, Integer> patient(
            int permits, int groupSizeMax, Consumer<List<TestMember>> transaction) {
        Duration never = Duration.ofHours(1);
        return new GroupCommit<>(permits, 0, groupSizeMax, new GroupCommit.Deadlines(never, never, never), transaction);
    }

    @Test
    void aLoneRequestCommitsAtOnceInItsOwnThread() {
        Thread caller = Thread.currentThread();
        List<Thread> threads = new ArrayList<>();
        GroupCommit<TestMember, Integer> groupCommit = patient(1, 10, group -> {
            threads.add(Thread.currentThread());
            succeed(group);
        });

        groupCommit.commit(new TestMember(1));

        assertThat(threads).containsExactly(caller);
    }

    @Test
    void requestsThatArriveMeanwhileAreGroupedInOrder() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        AtomicInteger waiting = new AtomicInteger();
        GroupCommit<TestMember, Integer> groupCommit = patient(1, 3, group -> {
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
                await().until(() -> waiting.get() == number && thread[0].getState() == Thread.State.TIMED_WAITING);
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
        GroupCommit<TestMember, Integer> groupCommit = patient(2, 5, group -> {
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
        GroupCommit<TestMember, Integer> groupCommit = patient(1, 10, group -> {
            if (group.getFirst().number == 1) {
                throw failure;
            }
            succeed(group);
        });

        assertThatThrownBy(() -> groupCommit.commit(new TestMember(1))).isSameAs(failure);
        assertThat(groupCommit.commit(new TestMember(2))).isEqualTo(2);
    }

    @Test
    void failsAMemberThatTheTransactionLeftOut() {
        GroupCommit<TestMember, Integer> groupCommit = patient(1, 10, group -> {});

        assertThatThrownBy(() -> groupCommit.commit(new TestMember(1))).hasMessageContaining("left out");
    }

    @Test
    void tellsEachMemberItsOutcomeAtOnce() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch second = new CountDownLatch(1);
        GroupCommit<TestMember, Integer> groupCommit = patient(1, 10, group -> {
            if (group.getFirst().number == 0) {
                arrived.countDown();
                awaitUninterruptibly(first);
            } else {
                group.getLast().succeed(2);
                awaitUninterruptibly(second);
            }
            succeed(group);
        });
        try (ExecutorService executor = Executors.newCachedThreadPool()) {
            executor.submit(() -> groupCommit.commit(new TestMember(0)));
            arrived.await();
            Future<Integer> leader = submitAndPark(executor, groupCommit, 1);
            Future<Integer> early = submitAndPark(executor, groupCommit, 2);
            first.countDown();

            assertThat(early.get()).isEqualTo(2);
            assertThat(leader.isDone()).isFalse();
            second.countDown();
            assertThat(leader.get()).isOne();
        }
    }

    @Test
    void withdrawsARequestThatNoLeaderTakesInTime() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        GroupCommit<TestMember, Integer> groupCommit = new GroupCommit<>(
                1, 0, 10, deadlines(Duration.ofHours(1), Duration.ofMillis(50), Duration.ofHours(1)), group -> {
                    arrived.countDown();
                    awaitUninterruptibly(leave);
                    recordGroup(group);
                });
        try (ExecutorService executor = Executors.newCachedThreadPool()) {
            Future<Integer> leader = executor.submit(() -> groupCommit.commit(new TestMember(0)));
            arrived.await();

            assertThatThrownBy(() -> groupCommit.commit(new TestMember(1)))
                    .isInstanceOf(ProblemException.class)
                    .hasMessageContaining("nothing was changed");
            leave.countDown();
            assertThat(leader.get()).isZero();
        }

        assertThat(groupCommit.commit(new TestMember(2))).isEqualTo(2);
        assertThat(groups).containsExactly(List.of(0), List.of(2));
    }

    @Test
    void aMemberOfAGroupWithoutOutcomeIsInDoubt() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch second = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        GroupCommit<TestMember, Integer> groupCommit = new GroupCommit<>(
                1, 0, 10, deadlines(Duration.ofHours(1), Duration.ofHours(1), Duration.ofSeconds(2)), group -> {
                    if (group.getFirst().number == 0) {
                        arrived.countDown();
                        awaitUninterruptibly(second);
                    } else {
                        awaitUninterruptibly(leave);
                    }
                    succeed(group);
                });
        try (ExecutorService executor = Executors.newCachedThreadPool()) {
            executor.submit(() -> groupCommit.commit(new TestMember(0)));
            arrived.await();
            Future<Integer> leader = submitAndPark(executor, groupCommit, 1);
            Future<Integer> member = submitAndPark(executor, groupCommit, 2);
            second.countDown();

            assertThatThrownBy(member::get)
                    .satisfies(e -> assertThat(DatabaseFailure.of(e)).isEqualTo(DatabaseFailure.IN_DOUBT));
            leave.countDown();
            assertThat(leader.get()).isOne();
        }
    }

    @Test
    void stuckGroupsDoNotStopTheOthers() throws Exception {
        Semaphore arrived = new Semaphore(0);
        CountDownLatch leave = new CountDownLatch(1);
        GroupCommit<TestMember, Integer> groupCommit = new GroupCommit<>(
                2, 1, 10, deadlines(Duration.ofMillis(500), Duration.ofHours(1), Duration.ofHours(1)), group -> {
                    if (group.getFirst().number < 0) {
                        arrived.release();
                        awaitUninterruptibly(leave);
                    }
                    succeed(group);
                });
        try (ExecutorService executor = Executors.newCachedThreadPool()) {
            Future<Integer> stuck = executor.submit(() -> groupCommit.commit(new TestMember(-1)));
            arrived.acquire();
            Future<Integer> other = executor.submit(() -> groupCommit.commit(new TestMember(-2)));
            arrived.acquire();

            long started = System.nanoTime();
            for (int i = 1; i <= 100; i++) {
                assertThat(groupCommit.commit(new TestMember(i))).isEqualTo(i);
            }
            // Only the first ones wait for 0.5 s, not each of them.
            assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(25));
            leave.countDown();
            assertThat(stuck.get()).isEqualTo(-1);
            assertThat(other.get()).isEqualTo(-2);
        }
    }

    /** Two leaders that end together wake the same member, which must then wake another for the second turn. */
    @Test
    void leavesNoTurnIdleWhileRequestsWait() throws Exception {
        AtomicInteger committed = new AtomicInteger();
        CyclicBarrier both = new CyclicBarrier(2);
        GroupCommit<TestMember, Integer> groupCommit = patient(2, 1, group -> {
            committed.incrementAndGet();
            try {
                // Reached only if a second turn is under way.
                both.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new IllegalStateException(e);
            }
            succeed(group);
        });
        int members = 160;
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> commits = new ArrayList<>();
            for (int i = 0; i < members; i++) {
                int number = i;
                commits.add(executor.submit(() -> groupCommit.commit(new TestMember(number))));
            }
            for (int i = 0; i < members; i++) {
                assertThat(commits.get(i).get()).isEqualTo(i);
            }
        }
        assertThat(committed.get()).isEqualTo(members);
    }

    @Test
    void anInterruptIsPreservedAndDoesNotEndTheWait() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        GroupCommit<TestMember, Integer> groupCommit = patient(1, 10, group -> {
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
        await().until(() -> second.getState() == Thread.State.TIMED_WAITING);

        second.interrupt();
        leave.countDown();
        first.join();
        second.join();

        assertThat(groups).containsExactly(List.of(0), List.of(1));
        assertThat(interrupted[0]).isTrue();
    }

    private static GroupCommit.Deadlines deadlines(Duration useSpareAfter, Duration turn, Duration outcome) {
        return new GroupCommit.Deadlines(useSpareAfter, turn, outcome);
    }

    /** Returns once the member waits in the queue. */
    private static Future<Integer> submitAndPark(
            ExecutorService executor, GroupCommit<TestMember, Integer> groupCommit, int number) {
        AtomicReference<Thread> thread = new AtomicReference<>();
        Future<Integer> commit = executor.submit(() -> {
            thread.set(Thread.currentThread());
            return groupCommit.commit(new TestMember(number));
        });
        await().until(() -> thread.get() != null
                && (thread.get().getState() == Thread.State.TIMED_WAITING
                        || thread.get().getState() == Thread.State.WAITING));
        return commit;
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
