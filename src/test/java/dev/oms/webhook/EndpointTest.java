package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.webhook.Endpoint.Row;
import dev.oms.webhook.Message.Subject;
import dev.oms.webhook.Progress.Retry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointTest {
    private static final Outcome OK = new Outcome(204, null, 1, null, null);
    private static final Outcome FAILED = new Outcome(500, "status 500", 1, null, null);
    private static final int UNDER_WAY_MAX = 4;

    /** Negative at first, as System.nanoTime() may be. */
    private long now = -Duration.ofSeconds(3).toNanos();

    private final Endpoint endpoint = endpoint(Set.of(), List.of());

    private Endpoint endpoint(Set<String> types, List<Delivery> retries) {
        return endpoint(types, retries, 0, null);
    }

    private Endpoint endpoint(Set<String> types, List<Delivery> retries, int failures, Long pauseMillis) {
        Endpoint created = new Endpoint(
                new Row(
                        7,
                        WebhookUrl.parse("https://shop.example.com"),
                        types,
                        "",
                        List.of(SigningSecret.create()),
                        0,
                        0,
                        failures,
                        pauseMillis,
                        null,
                        retries),
                UNDER_WAY_MAX,
                new Random(1),
                now);
        created.validUntilNanos = now + Duration.ofDays(100).toNanos();
        return created;
    }

    private static Subject order(long id) {
        return new Subject("order", id);
    }

    private static Message event(long position, long order) {
        return event(position, order, "order.placed");
    }

    private static Message event(long position, long order, String type) {
        return new Message(position, order(order), type, Instant.ofEpochSecond(position), "e" + position, new byte[0]);
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }

    /** All that can be sent now. */
    private List<Delivery> all(Endpoint from) {
        List<Delivery> all = new ArrayList<>();
        Delivery next = from.next(now);
        while (next != null) {
            all.add(next);
            next = from.next(now);
        }
        return all;
    }

    private static List<Long> positions(List<Delivery> deliveries) {
        return deliveries.stream().map(delivery -> delivery.position).toList();
    }

    private void end(List<Delivery> deliveries, Outcome outcome) {
        deliveries.forEach(delivery -> endpoint.ended(delivery, outcome, now));
    }

    @Test
    void sendsDifferentSubjectsSideBySideAndOneInSequence() {
        endpoint.add(List.of(event(1, 1), event(2, 2), event(3, 1), event(4, 3), event(5, 2)), 5);

        List<Delivery> first = all(endpoint);
        assertThat(positions(first)).containsExactly(1L, 2L, 4L);

        endpoint.ended(first.get(1), OK, now);
        assertThat(positions(all(endpoint))).containsExactly(5L);
        endpoint.ended(first.get(0), OK, now);
        assertThat(positions(all(endpoint))).containsExactly(3L);
    }

    @Test
    void sendsNoMoreAtATimeThanItMay() {
        endpoint.add(LongStream.rangeClosed(1, 10).mapToObj(i -> event(i, i)).toList(), 10);

        List<Delivery> first = all(endpoint);

        assertThat(first).hasSize(UNDER_WAY_MAX);
        endpoint.ended(first.getFirst(), OK, now);
        assertThat(all(endpoint)).hasSize(1);
    }

    @Test
    void sendsNothingWithoutALease() {
        endpoint.add(List.of(event(1, 1)), 1);

        endpoint.validUntilNanos = now;

        assertThat(endpoint.next(now)).isNull();
        assertThat(endpoint.untilNext(now, 1_000)).isEqualTo(1_000);
    }

    @Test
    void maySendNothingWhenTheLeaseHasEndedIsGivenUpOrTheReceiverIsGone() {
        assertThat(endpoint.maySend(now)).isTrue();

        endpoint.leaveNanos = now;
        assertThat(endpoint.maySend(now)).isFalse();
        endpoint.leaveNanos = null;
        endpoint.validUntilNanos = now;
        assertThat(endpoint.maySend(now)).isFalse();
        endpoint.validUntilNanos = now + 1;
        endpoint.add(List.of(event(1, 1)), 1);
        endpoint.ended(endpoint.next(now), new Outcome(410, "status 410", 1, null, null), now);
        assertThat(endpoint.maySend(now)).isFalse();
    }

    @Test
    void theCursorIsBeforeTheFirstThatIsNotDone() {
        endpoint.add(List.of(event(11, 1), event(12, 2), event(15, 3)), 20);
        List<Delivery> all = all(endpoint);

        endpoint.ended(all.get(1), OK, now);
        assertThat(endpoint.takeProgress(now).position()).isEqualTo(10);
        endpoint.ended(all.get(0), OK, now);
        assertThat(endpoint.takeProgress(now).position()).isEqualTo(14);
        endpoint.ended(all.get(2), OK, now);
        assertThat(endpoint.takeProgress(now))
                .matches(progress -> progress.was() == 14 && progress.position() == 20)
                .matches(progress -> progress.attempts().size() == 1);
        assertThat(endpoint.hasProgress()).isFalse();
    }

    @Test
    void passesEventsOfOtherTypes() {
        Endpoint some = endpoint(Set.of("order.cancelled", "order.vanished"), List.of());

        some.add(List.of(event(1, 1), event(2, 2, "order.cancelled"), event(3, 3)), 3);

        assertThat(positions(all(some))).containsExactly(2L);
        assertThat(some.takeProgress(now).position()).isEqualTo(1);
        assertThat(some.knownTypes()).as("one is unknown here").isEmpty();
    }

    @Test
    void whatFollowsAFailureOfTheSameSubjectWaits() {
        endpoint.add(List.of(event(1, 1), event(2, 1), event(3, 2)), 3);

        endpoint.ended(endpoint.next(now), FAILED, now);
        endpoint.add(List.of(event(4, 1), event(5, 2)), 5);

        List<Delivery> others = all(endpoint);
        assertThat(positions(others)).containsExactly(3L);
        end(others, OK);
        end(all(endpoint), OK);
        Progress progress = endpoint.takeProgress(now);
        assertThat(progress.position()).isEqualTo(5);
        assertThat(progress.added()).extracting(Retry::position).containsExactly(1L, 2L, 4L);
        assertThat(progress.added()).extracting(Retry::attempts).containsExactly(1, 0, 0);
        assertThat(progress.added())
                .extracting(retry -> retry.dueNanos() == Delivery.NOT_DUE)
                .containsExactly(false, true, true);

        pass(Duration.ofSeconds(4));
        assertThat(all(endpoint)).isEmpty();
        pass(Duration.ofSeconds(2));
        for (long position : List.of(1L, 2L, 4L)) {
            List<Delivery> retried = all(endpoint);
            assertThat(positions(retried)).containsExactly(position);
            end(retried, OK);
        }
        assertThat(endpoint.takeProgress(now).removed()).containsExactly(1L, 2L, 4L);
        endpoint.add(List.of(event(6, 1)), 6);
        assertThat(positions(all(endpoint))).containsExactly(6L);
    }

    @Test
    void retriesAtGrowingIntervalsAndGivesUp() {
        List<Duration> delays = new ArrayList<>();
        endpoint.add(List.of(event(1, 1)), 1);
        endpoint.ended(endpoint.next(now), FAILED, now);

        for (int i = 2; i <= RetrySchedule.ATTEMPTS_MAX; i++) {
            // Others are accepted in between.
            endpoint.add(List.of(event(i, i)), i);
            Delivery other = endpoint.next(now);
            assertThat(other.position).isEqualTo(i);
            endpoint.ended(other, OK, now);
            long delay = endpoint.untilNext(now, Long.MAX_VALUE);
            delays.add(Duration.ofNanos(delay));
            pass(Duration.ofNanos(delay));
            endpoint.ended(endpoint.next(now), FAILED, now);
        }

        List<Duration> documented = List.of(
                Duration.ofSeconds(5),
                Duration.ofMinutes(5),
                Duration.ofMinutes(30),
                Duration.ofHours(2),
                Duration.ofHours(5),
                Duration.ofHours(10),
                Duration.ofHours(14),
                Duration.ofHours(20),
                Duration.ofHours(24));
        assertThat(delays).hasSameSizeAs(documented);
        for (int i = 0; i < delays.size(); i++) {
            Duration tenth = documented.get(i).dividedBy(10);
            assertThat(delays.get(i))
                    .isBetween(documented.get(i).minus(tenth), documented.get(i).plus(tenth));
        }
        assertThat(endpoint.takeProgress(now).removed()).containsExactly(1L);
        endpoint.add(List.of(event(20, 1)), 20);
        assertThat(positions(all(endpoint))).containsExactly(20L);
    }

    /** An endpoint that is down for some days must not lose what was tried at the beginning. */
    @Test
    void givesNothingUpWhileNothingIsAccepted() {
        endpoint.add(LongStream.rangeClosed(1, 20).mapToObj(i -> event(i, i)).toList(), 20);
        for (int i = 0; i < 2_000; i++) {
            end(all(endpoint), FAILED);
            pass(Duration.ofMinutes(3));
        }

        assertThat(endpoint.takeProgress(now).removed()).isEmpty();
        Set<Long> delivered = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            List<Delivery> all = all(endpoint);
            delivered.addAll(positions(all));
            end(all, OK);
            pass(Duration.ofHours(1));
        }
        assertThat(delivered).hasSize(20);
    }

    @Test
    void isPausedAfterTenFailuresAndTriedWithOneEvent() {
        endpoint.add(LongStream.rangeClosed(1, 50).mapToObj(i -> event(i, i)).toList(), 50);
        int sent = 0;
        List<Delivery> batch = all(endpoint);
        while (!batch.isEmpty()) {
            sent += batch.size();
            end(batch, FAILED);
            batch = all(endpoint);
        }

        // What was under way with the tenth.
        assertThat(sent).isBetween(10, 10 + UNDER_WAY_MAX - 1);
        List<Duration> pauses = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            long pause = endpoint.untilNext(now, Long.MAX_VALUE);
            pauses.add(Duration.ofNanos(pause));
            pass(Duration.ofNanos(pause));
            List<Delivery> probes = all(endpoint);
            assertThat(probes).hasSize(1);
            assertThat(endpoint.untilNext(now, 99)).as("while it is probed").isEqualTo(99);
            end(probes, FAILED);
        }
        assertThat(pauses.getFirst()).isBetween(Duration.ofMillis(4_500), Duration.ofMillis(5_500));
        assertThat(pauses.getLast()).isBetween(Duration.ofSeconds(270), Duration.ofSeconds(330));
        assertThat(pauses.get(3)).isGreaterThan(pauses.get(2));

        pass(Duration.ofMinutes(6));
        end(all(endpoint), OK);
        assertThat(all(endpoint)).hasSize(UNDER_WAY_MAX);
        assertThat(endpoint.takeProgress(now))
                .matches(progress -> progress.pauseMillis() == null && progress.failures() == 0);
    }

    /** The only one that is due, or the one that is due first: both would be probed again and again. */
    @ParameterizedTest
    @ValueSource(ints = {1, 8})
    void anEventThatIsAlwaysRefusedDoesNotKeepThePause(int failing) {
        endpoint.add(List.of(event(1, 1)), 1);
        endpoint.ended(endpoint.next(now), new Outcome(503, "status 503", 1, null, Duration.ofSeconds(1)), now);
        pass(Duration.ofSeconds(2));
        endpoint.add(LongStream.rangeClosed(2, 50).mapToObj(i -> event(i, i)).toList(), 50);
        for (int i = 1; i < failing; i++) {
            end(all(endpoint), FAILED);
            pass(Duration.ofMinutes(6));
        }

        Set<Long> delivered = new HashSet<>();
        for (int i = 0; i < 30; i++) {
            for (Delivery each : all(endpoint)) {
                boolean isRefused = each.position == 1;
                endpoint.ended(each, isRefused ? FAILED : OK, now);
                if (!isRefused) {
                    delivered.add(each.position);
                }
            }
            pass(Duration.ofNanos(endpoint.untilNext(now, Duration.ofMinutes(6).toNanos())));
        }

        assertThat(delivered).hasSize(49);
        assertThat(endpoint.takeProgress(now).pauseMillis()).isNull();
    }

    @Test
    void retriesTakeTurnsAsProbes() {
        Endpoint paused = endpoint(
                Set.of(),
                LongStream.rangeClosed(1, 3)
                        .mapToObj(i -> new Delivery(i, order(i), null, 1, now + i))
                        .toList(),
                12,
                0L);

        List<Long> probed = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            Delivery probe = paused.next(now);
            probed.add(probe.position);
            paused.ended(probe, FAILED, now);
            pass(Duration.ofMinutes(6));
        }

        assertThat(probed).containsExactly(1L, 2L, 3L, 1L, 2L, 3L);
    }

    @Test
    void aPauseSurvivesTheLease() {
        Endpoint taken = endpoint(Set.of(), List.of(), 12, 20_000L);
        taken.add(List.of(event(1, 1), event(2, 2)), 2);

        assertThat(taken.next(now)).isNull();
        assertThat(taken.untilNext(now, Long.MAX_VALUE))
                .isEqualTo(Duration.ofSeconds(20).toNanos());
        pass(Duration.ofSeconds(20));
        assertThat(positions(all(taken))).containsExactly(1L);
    }

    @ParameterizedTest
    @CsvSource({"429, 60, 60", "503, 60, 60", "429, 100000000, 86400", "500, 60, 5", "429, 0, 5"})
    void honoursRetryAfter(int status, int asked, int expected) {
        endpoint.add(List.of(event(1, 1), event(2, 2)), 2);

        endpoint.ended(
                endpoint.next(now), new Outcome(status, "status " + status, 1, null, Duration.ofSeconds(asked)), now);

        long rest = endpoint.takeProgress(now).added().getFirst().dueNanos() - now;
        assertThat(Duration.ofNanos(rest).toMillis()).isBetween(expected * 900L, expected * 1_100L);
        boolean isPaused = status != 500 && asked > 0;
        assertThat(endpoint.next(now) == null).isEqualTo(isPaused);
        pass(Duration.ofSeconds(expected));
        assertThat(all(endpoint)).hasSize(isPaused ? 1 : 0);
    }

    @Test
    void aSuccessThatWasUnderWayDoesNotEndThePauseThatTheReceiverAskedFor() {
        endpoint.add(List.of(event(1, 1), event(2, 2)), 2);
        List<Delivery> underWay = all(endpoint);
        endpoint.add(List.of(event(3, 3), event(4, 4)), 4);
        Duration asked = Duration.ofSeconds(60);

        endpoint.ended(underWay.getFirst(), new Outcome(429, "status 429", 1, null, asked), now);
        endpoint.ended(underWay.getLast(), OK, now);

        pass(asked.minusSeconds(1));
        assertThat(all(endpoint)).isEmpty();
        pass(Duration.ofSeconds(1));
        assertThat(all(endpoint)).as("the probe").hasSize(1);
    }

    @Test
    void leavesAReceiverAloneForNoLongerThanItAsksTheFirstTime() {
        endpoint.add(List.of(event(1, 1), event(2, 2), event(3, 3)), 3);
        Outcome asksForASecond = new Outcome(429, "status 429", 1, null, Duration.ofSeconds(1));

        endpoint.ended(endpoint.next(now), asksForASecond, now);
        assertThat(all(endpoint)).isEmpty();
        pass(Duration.ofSeconds(1));
        List<Delivery> probe = all(endpoint);
        assertThat(probe).hasSize(1);

        end(probe, asksForASecond);
        pass(Duration.ofSeconds(4));
        assertThat(all(endpoint)).as("longer, since it asks again").isEmpty();
    }

    @Test
    void maySendNoRetryOnceItIsPaused() {
        endpoint.add(List.of(event(1, 1), event(2, 2)), 2);
        List<Delivery> all = all(endpoint);
        end(List.of(all.getFirst()), FAILED);
        pass(Duration.ofSeconds(6));
        Delivery retry = endpoint.next(now);
        assertThat(endpoint.maySend(retry, now)).isTrue();

        endpoint.ended(all.getLast(), new Outcome(429, "status 429", 1, null, Duration.ofSeconds(60)), now);

        assertThat(endpoint.maySend(retry, now)).isFalse();
        endpoint.postpone(retry, now);
        pass(Duration.ofSeconds(60));
        Delivery probe = endpoint.next(now);
        assertThat(endpoint.maySend(probe, now)).isTrue();
    }

    @Test
    void storesWhetherItFails() {
        endpoint.add(List.of(event(1, 1), event(2, 2)), 2);

        endpoint.ended(endpoint.next(now), FAILED, now);
        assertThat(endpoint.takeProgress(now))
                .matches(progress -> progress.isFailing() && progress.hasFailed() && !progress.hasSucceeded());
        pass(Duration.ofHours(12));
        assertThat(endpoint.failing(now)).isEqualTo(Duration.ofHours(12));

        end(all(endpoint), OK);
        assertThat(endpoint.takeProgress(now))
                .matches(progress -> !progress.isFailing() && !progress.hasFailed() && progress.hasSucceeded());
        assertThat(endpoint.failing(now)).isZero();
    }

    @Test
    void sendsNothingMoreWhenItIsGone() {
        endpoint.add(List.of(event(1, 1), event(2, 2)), 2);

        endpoint.ended(endpoint.next(now), new Outcome(410, "status 410", 1, null, null), now);

        assertThat(all(endpoint)).isEmpty();
        assertThat(endpoint.takeProgress(now).isGone()).isTrue();
    }

    /** In the order of positions for each subject, whatever their times. */
    @Test
    void continuesWithTheRetriesThatAreStored() {
        Endpoint taken = endpoint(
                Set.of(),
                List.of(
                        new Delivery(
                                1, order(1), null, 3, now + Duration.ofHours(1).toNanos()),
                        new Delivery(2, order(2), null, 0, Delivery.NOT_DUE),
                        new Delivery(3, order(1), null, 0, now),
                        new Delivery(
                                4, order(2), null, 1, now + Duration.ofHours(1).toNanos())));
        taken.add(List.of(event(5, 1), event(6, 2), event(7, 3)), 7);

        List<Delivery> first = all(taken);
        assertThat(positions(first)).containsExactly(2L, 7L);
        first.forEach(delivery -> taken.ended(delivery, OK, now));
        assertThat(all(taken)).isEmpty();

        pass(Duration.ofHours(1));
        assertThat(positions(all(taken))).containsExactly(1L, 4L);
    }

    /** As after SIGKILL: the cursor is behind what was stored with it. */
    @Test
    void retriesAheadOfTheCursorAreNotSentTwice() {
        Endpoint taken = endpoint(
                Set.of(),
                List.of(new Delivery(2, order(2), null, 1, now), new Delivery(4, order(2), null, 0, Delivery.NOT_DUE)));

        taken.add(List.of(event(1, 1), event(2, 2), event(3, 3), event(4, 2), event(5, 2)), 5);

        List<Long> sent = new ArrayList<>();
        List<Delivery> batch = all(taken);
        while (!batch.isEmpty()) {
            sent.addAll(positions(batch));
            batch.forEach(delivery -> taken.ended(delivery, OK, now));
            batch = all(taken);
        }
        assertThat(sent).containsExactlyInAnyOrder(1L, 2L, 3L, 4L, 5L).containsSubsequence(2L, 4L, 5L);
        assertThat(taken.takeProgress(now).position()).isEqualTo(5);
    }

    /** The first was delivered, and no longer is a retry, when the worker was killed. */
    @Test
    void whatTheFeedShowsAgainGoesBeforeTheRetriesThatCameAfterIt() {
        Endpoint taken = endpoint(
                Set.of(),
                List.of(
                        new Delivery(
                                4,
                                order(2),
                                null,
                                0,
                                now + Duration.ofSeconds(5).toNanos()),
                        new Delivery(6, order(2), null, 0, Delivery.NOT_DUE)));

        taken.add(List.of(event(2, 2), event(4, 2), event(5, 2), event(6, 2), event(7, 2)), 7);
        pass(Duration.ofSeconds(5));

        List<Long> sent = new ArrayList<>();
        List<Delivery> batch = all(taken);
        while (!batch.isEmpty()) {
            assertThat(batch).hasSize(1);
            sent.addAll(positions(batch));
            taken.ended(batch.getFirst(), OK, now);
            batch = all(taken);
        }
        assertThat(sent).containsExactly(2L, 4L, 5L, 6L, 7L);
        assertThat(taken.takeProgress(now).position()).isEqualTo(7);
    }

    /** Nothing that is done is sent again by the next worker, and nothing is lost. */
    @Test
    void handsOverWhatIsNotDone() {
        endpoint.add(List.of(event(1, 1), event(2, 1), event(3, 2), event(4, 3), event(5, 1), event(6, 4)), 6);
        List<Delivery> first = all(endpoint);
        assertThat(positions(first)).containsExactly(1L, 3L, 4L, 6L);
        endpoint.ended(first.get(1), OK, now);
        endpoint.ended(first.get(2), OK, now);

        endpoint.handOver(now);

        Progress progress = endpoint.takeProgress(now);
        assertThat(progress.position()).isEqualTo(4);
        assertThat(progress.added()).extracting(Retry::position).containsExactly(1L, 2L);
        assertThat(progress.added()).extracting(Retry::dueNanos).containsExactly(now, Delivery.NOT_DUE);
    }

    /** A test goes out at once, counts for nothing, and is not repeated. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void sendsATestWhateverTheState(boolean succeeds) {
        Endpoint paused =
                endpoint(Set.of(), List.of(new Delivery(0, new Subject("test", 0), null, 0, now)), 12, 20_000L);

        Delivery test = paused.next(now);
        paused.ended(test, succeeds ? OK : FAILED, now);

        assertThat(test.isTest()).isTrue();
        assertThat(paused.takeProgress(now))
                .matches(progress -> progress.removed().equals(List.of(0L)) && progress.failures() == 12)
                .matches(progress -> !progress.hasFailed() && !progress.hasSucceeded());
        assertThat(paused.next(now)).isNull();
    }

    @Test
    void givesUpWhatIsNoLongerInTheLog() {
        Endpoint taken = endpoint(
                Set.of(),
                List.of(new Delivery(1, order(1), null, 1, now), new Delivery(2, order(1), null, 0, Delivery.NOT_DUE)));

        taken.missing(taken.next(now), now);

        assertThat(positions(all(taken))).containsExactly(2L);
        assertThat(taken.takeProgress(now).removed()).containsExactly(1L);
    }

    @Test
    void hasRoomForALimitedNumberOfEventsAndRetries() {
        endpoint.add(LongStream.rangeClosed(1, 1_000).mapToObj(i -> event(i, 1)).toList(), 1_000);
        assertThat(endpoint.hasRoom(now)).isFalse();
        endpoint.ended(endpoint.next(now), FAILED, now);
        assertThat(endpoint.hasRoom(now)).isTrue();

        long position = 1_000;
        while (endpoint.hasRoom(now)) {
            position++;
            endpoint.add(List.of(event(position, 1)), position);
        }

        assertThat(position).isEqualTo(Endpoint.RETRIES_MAX);
    }

    /** Whatever happens, each subject's events arrive in order, each at least once, and the cursor passes none. */
    @Test
    void deliversEverySubjectInOrderAmongRandomFailures() {
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            now = random.nextInt();
            Endpoint one = endpoint(Set.of(), List.of());
            Map<Subject, List<Long>> arrived = new HashMap<>();
            List<Delivery> underWay = new ArrayList<>();
            long last = 0;
            for (int step = 0; step < 20_000 && (last < 300 || step < 10_000); step++) {
                if (last < 300 && random.nextInt(3) == 0) {
                    last++;
                    one.add(List.of(event(last, random.nextInt(10))), last);
                }
                underWay.addAll(all(one));
                if (!underWay.isEmpty()) {
                    Delivery delivery = underWay.remove(random.nextInt(underWay.size()));
                    boolean succeeds = random.nextInt(10) < (step < 5_000 ? 7 : 10);
                    if (succeeds) {
                        arrived.computeIfAbsent(delivery.subject, subject -> new ArrayList<>())
                                .add(delivery.position);
                    }
                    one.ended(delivery, succeeds ? OK : FAILED, now);
                }
                one.validUntilNanos = now + Duration.ofDays(100).toNanos();
                pass(Duration.ofSeconds(random.nextInt(200)));
                if (random.nextInt(10) == 0) {
                    one.takeProgress(now);
                }
            }
            pass(Duration.ofDays(2));
            one.validUntilNanos = now + Duration.ofDays(100).toNanos();
            List<Delivery> rest = all(one);
            while (!rest.isEmpty()) {
                rest.forEach(delivery -> arrived.computeIfAbsent(delivery.subject, subject -> new ArrayList<>())
                        .add(delivery.position));
                rest.forEach(delivery -> one.ended(delivery, OK, now));
                rest = all(one);
            }

            assertThat(arrived.values())
                    .allSatisfy(ofSubject -> assertThat(ofSubject).isSorted().doesNotHaveDuplicates());
            assertThat(arrived.values().stream().mapToInt(List::size).sum())
                    .as("seed %d", seed)
                    .isEqualTo(300);
            assertThat(one.takeProgress(now).position()).isEqualTo(300);
        }
    }
}
