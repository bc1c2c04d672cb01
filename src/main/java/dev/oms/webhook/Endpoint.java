package dev.oms.webhook;

import dev.oms.event.EventType;
import dev.oms.webhook.Message.Subject;
import dev.oms.webhook.Progress.Attempt;
import dev.oms.webhook.Progress.Retry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Decides what is sent to an endpoint next, for the worker that has its lease. It knows neither SQL nor HTTP, and is
 * used by the dispatching thread only.
 *
 * <ul>
 *   <li>Events of different subjects are under way side by side, up to a limit; those of one subject one after the
 *       other.
 *   <li>The cursor is before the first event that is neither delivered nor among the retries.
 *   <li>An event that fails becomes a retry, and so do those behind it of the same subject. Others go on.
 *   <li>After {@link RetrySchedule#FAILURES_MAX} failures in a row, or when the receiver asks for it, nothing is sent
 *       for a while. Then one event is; if it fails, for a longer while. This is a circuit breaker: paused is its open
 *       state, a probe the request of its half-open state. Probes take retries and new events in turn, and each time
 *       another, so that an event that is always refused does not keep the pause from ending.
 *   <li>After {@link RetrySchedule#ATTEMPTS_MAX} attempts an event is given up, unless all others fail, too: then it is
 *       tried until the endpoint is disabled.
 * </ul>
 */
final class Endpoint {
    /** Events in hand that have not been delivered. */
    private static final int WINDOW_MAX = 1_000;

    /** Retries, and what waits behind them, in the table and in memory. With more, no new events are sent. */
    static final int RETRIES_MAX = 10_000;

    /** Results in hand that are not stored, as while PostgreSQL is down. */
    private static final int UNSAVED_MAX = 5_000;

    private static final int TOO_MANY_REQUESTS = 429;
    private static final int UNAVAILABLE = 503;

    /** By {@link System#nanoTime}, of the request. */
    private static final long NOT_PAUSED = Long.MIN_VALUE;

    private static final Comparator<Delivery> BY_POSITION = Comparator.comparingLong(delivery -> delivery.position);

    private static final Comparator<Delivery> BY_DUE_TIME =
            Comparator.<Delivery>comparingLong(delivery -> delivery.dueNanos).thenComparingLong(each -> each.position);

    /**
     * An endpoint's row, when its lease was taken.
     *
     * @param subscription its URL and types as text, to find out whether they have been changed
     * @param secrets of which each signs; at least one
     * @param oldSecretMillis for how long the second one signs
     * @param pauseMillis until the next attempt; null when it is not paused
     * @param failingMillis since its first failure after its last success; null when it does not fail
     * @param retries ascending by position
     */
    record Row(
            long id,
            WebhookUrl url,
            Set<String> types,
            String subscription,
            List<SigningSecret> secrets,
            long oldSecretMillis,
            long position,
            int failures,
            Long pauseMillis,
            Long failingMillis,
            List<Delivery> retries) {}

    final long id;
    final WebhookUrl url;
    private final Set<String> types;
    private final String subscription;
    private final List<SigningSecret> secrets;
    private final long oldSecretUntilNanos;
    private final int underWayMax;
    private final RandomGenerator random;

    private final Deque<Delivery> window = new ArrayDeque<>();
    private final Map<Subject, Deque<Delivery>> windowBySubject = new HashMap<>();

    /** In the order of the feed, so that little behind the cursor is done. */
    private final PriorityQueue<Delivery> ready = new PriorityQueue<>(BY_POSITION);

    private final Map<Subject, NavigableSet<Delivery>> retriesBySubject = new HashMap<>();
    private final PriorityQueue<Delivery> retriesByTime = new PriorityQueue<>(BY_DUE_TIME);
    private final Deque<Delivery> tests = new ArrayDeque<>();
    private int retries;
    private int underWay;

    /** Retries that the worker before had stored ahead of the cursor: the feed shows them again. */
    private final Set<Long> retriesAhead = new HashSet<>();

    private long savedPosition;
    private long readPosition;
    private int failures;
    private long pausedUntilNanos = NOT_PAUSED;
    private boolean isProbing;

    /** Whether the last probe was to be a retry. */
    private boolean isRetryProbed;

    private boolean isFailing;
    private long failingSinceNanos;

    // Since the row was last written.
    private List<Attempt> attempts = new ArrayList<>();
    private List<Retry> added = new ArrayList<>();
    private List<Retry> changed = new ArrayList<>();
    private List<Long> removed = new ArrayList<>();
    private boolean hasFailed;
    private boolean hasSucceeded;
    private boolean isGone;

    /** Whether its next events are being read. */
    boolean isReading;

    /** When to read its next events at the earliest, after a failure to do so. */
    long readNotBeforeNanos;

    /** Until when the lease is valid; then nothing more is sent. */
    long validUntilNanos;

    /** When to give it up, if it is to be given up: then nothing more is sent. */
    Long leaveNanos;

    Endpoint(Row row, int underWayMax, RandomGenerator random, long nowNanos) {
        this.id = row.id();
        this.url = row.url();
        this.types = row.types();
        this.subscription = row.subscription();
        this.secrets = row.secrets();
        this.oldSecretUntilNanos =
                nowNanos + Duration.ofMillis(row.oldSecretMillis()).toNanos();
        this.underWayMax = underWayMax;
        this.random = random;
        this.readNotBeforeNanos = nowNanos;
        this.savedPosition = row.position();
        this.readPosition = row.position();
        this.failures = row.failures();
        if (row.pauseMillis() != null) {
            this.pausedUntilNanos =
                    nowNanos + Duration.ofMillis(row.pauseMillis()).toNanos();
        }
        if (row.failingMillis() != null) {
            this.isFailing = true;
            this.failingSinceNanos =
                    nowNanos - Duration.ofMillis(row.failingMillis()).toNanos();
        }
        for (Delivery retry : row.retries()) {
            if (retry.isTest()) {
                tests.add(retry);
            } else {
                retriesBySubject
                        .computeIfAbsent(retry.subject, subject -> new TreeSet<>(BY_POSITION))
                        .add(retry);
                retries++;
                if (retry.position > row.position()) {
                    retriesAhead.add(retry.position);
                }
            }
        }
        retriesBySubject.values().forEach(ofSubject -> schedule(ofSubject.getFirst(), nowNanos));
    }

    /** What signs now. */
    List<SigningSecret> secrets(long nowNanos) {
        return secrets.size() > 1 && nowNanos - oldSecretUntilNanos >= 0 ? secrets.subList(0, 1) : secrets;
    }

    /** The types that the feed can filter by; empty for all, of which {@link #add} chooses. */
    Set<EventType> knownTypes() {
        Set<EventType> known =
                types.stream().map(EventType::of).flatMap(Optional::stream).collect(Collectors.toSet());
        return known.size() == types.size() ? known : Set.of();
    }

    long readPosition() {
        return readPosition;
    }

    int underWay() {
        return underWay;
    }

    /** Whether it can take further events now. */
    boolean hasRoom(long nowNanos) {
        position();
        return leaveNanos == null
                && !isReading
                && nowNanos - readNotBeforeNanos >= 0
                && window.size() < WINDOW_MAX
                && retries < RETRIES_MAX
                && attempts.size() < UNSAVED_MAX
                && (pausedUntilNanos == NOT_PAUSED || window.isEmpty());
    }

    /**
     * Takes the next events.
     *
     * @param upTo up to where the feed was read
     */
    void add(Collection<Message> messages, long upTo) {
        for (Message message : messages) {
            boolean isKnown = retriesAhead.remove(message.position());
            if (!isKnown && (types.isEmpty() || types.contains(message.type()))) {
                add(new Delivery(message));
            }
        }
        readPosition = upTo;
    }

    private void add(Delivery delivery) {
        NavigableSet<Delivery> blocked = retriesBySubject.get(delivery.subject);
        if (blocked != null) {
            Delivery first = blocked.getFirst();
            if (delivery.position < first.position && retriesByTime.remove(first)) {
                // Shown again after a crash: it takes the place of what came after it.
                delivery.dueNanos = first.dueNanos;
                retriesByTime.add(delivery);
            }
            retry(delivery, blocked);
            return;
        }
        window.add(delivery);
        Deque<Delivery> ofSubject = windowBySubject.computeIfAbsent(delivery.subject, subject -> new ArrayDeque<>());
        ofSubject.add(delivery);
        if (ofSubject.size() == 1) {
            ready.add(delivery);
        }
    }

    /** Makes an event a retry. */
    private void retry(Delivery delivery, NavigableSet<Delivery> ofSubject) {
        delivery.isRetry = true;
        ofSubject.add(delivery);
        retries++;
        added.add(Retry.of(delivery));
        if (ofSubject.getFirst() != delivery) {
            // Read again when it is its turn.
            delivery.message = null;
        }
    }

    /** The first of its subject: when it is sent. */
    private void schedule(Delivery retry, long nowNanos) {
        if (retry.dueNanos == Delivery.NOT_DUE) {
            retry.dueNanos = nowNanos;
        }
        retriesByTime.add(retry);
    }

    /** What to send now, or null. The caller must send it, and tell the outcome. */
    Delivery next(long nowNanos) {
        if (!maySend(nowNanos) || isFull()) {
            return null;
        }
        Delivery next = tests.poll();
        if (next == null && pausedUntilNanos != NOT_PAUSED) {
            if (isProbing || nowNanos - pausedUntilNanos < 0) {
                return null;
            }
            next = probe();
            if (next != null) {
                isProbing = true;
                next.isProbe = true;
            }
        } else if (next == null) {
            Delivery retry = retriesByTime.peek();
            next = retry != null && nowNanos - retry.dueNanos >= 0 ? retriesByTime.poll() : ready.poll();
        }
        if (next != null) {
            underWay++;
        }
        return next;
    }

    private Delivery probe() {
        isRetryProbed = !isRetryProbed;
        Delivery probe = isRetryProbed ? retriesByTime.poll() : ready.poll();
        if (probe == null) {
            probe = isRetryProbed ? ready.poll() : retriesByTime.poll();
        }
        return probe;
    }

    /** How long until {@link #next} has something because of the time, in nanoseconds; at most {@code max}. */
    long untilNext(long nowNanos, long max) {
        boolean isPaused = pausedUntilNanos != NOT_PAUSED;
        Delivery retry = retriesByTime.peek();
        if (!maySend(nowNanos)
                || isFull()
                || isPaused && isProbing
                || retry == null && (!isPaused || ready.isEmpty())) {
            return max;
        }
        return Math.clamp((isPaused ? pausedUntilNanos : retry.dueNanos) - nowNanos, 0L, max);
    }

    private boolean isFull() {
        return underWay >= underWayMax || attempts.size() >= UNSAVED_MAX;
    }

    /** Takes note of the outcome of what was sent. */
    void ended(Delivery delivery, Outcome outcome, long nowNanos) {
        underWay--;
        attempts.add(new Attempt(delivery.position, delivery.attempts + 1, nowNanos, outcome));
        boolean wasProbe = delivery.isProbe;
        delivery.isProbe = false;
        isProbing &= !wasProbe;
        if (delivery.isTest()) {
            removed.add(delivery.position);
        } else if (outcome.isSuccess()) {
            succeeded(delivery, wasProbe, nowNanos);
        } else {
            failed(delivery, outcome, wasProbe, nowNanos);
        }
    }

    /** Whether anything may be sent: the lease is valid and not to be given up, and the receiver is not gone. */
    boolean maySend(long nowNanos) {
        return !isGone && leaveNanos == null && nowNanos - validUntilNanos < 0;
    }

    /** Whether a retry may still be sent, now that its event has been read. */
    boolean maySend(Delivery retry, long nowNanos) {
        return maySend(nowNanos) && (retry.isProbe || pausedUntilNanos == NOT_PAUSED);
    }

    /** Takes back a retry that could not be read, or not in time. */
    void postpone(Delivery retry, long untilNanos) {
        underWay--;
        isProbing &= !retry.isProbe;
        retry.isProbe = false;
        retry.dueNanos = untilNanos;
        retriesByTime.add(retry);
    }

    /** An event that is no longer in the log. */
    void missing(Delivery delivery, long nowNanos) {
        underWay--;
        isProbing &= !delivery.isProbe;
        Outcome outcome = new Outcome(null, "the event is no longer stored", 0, null, null);
        attempts.add(new Attempt(delivery.position, delivery.attempts + 1, nowNanos, outcome));
        removeRetry(delivery, nowNanos);
    }

    private void succeeded(Delivery delivery, boolean wasProbe, long nowNanos) {
        hasSucceeded = true;
        isFailing = false;
        // What was under way when the pause began does not end it.
        if (wasProbe || pausedUntilNanos == NOT_PAUSED) {
            failures = 0;
            pausedUntilNanos = NOT_PAUSED;
        }
        if (delivery.isRetry) {
            removeRetry(delivery, nowNanos);
        } else {
            Deque<Delivery> ofSubject = windowBySubject.get(delivery.subject);
            ofSubject.remove();
            delivery.isDone = true;
            if (ofSubject.isEmpty()) {
                windowBySubject.remove(delivery.subject);
            } else {
                ready.add(ofSubject.getFirst());
            }
        }
    }

    /** Ends a retry, so that the next of its subject can go. */
    private void removeRetry(Delivery retry, long nowNanos) {
        NavigableSet<Delivery> ofSubject = retriesBySubject.get(retry.subject);
        ofSubject.remove(retry);
        removed.add(retry.position);
        retries--;
        if (ofSubject.isEmpty()) {
            retriesBySubject.remove(retry.subject);
        } else {
            schedule(ofSubject.getFirst(), nowNanos);
        }
    }

    private void failed(Delivery delivery, Outcome outcome, boolean wasProbe, long nowNanos) {
        boolean wasPaused = pausedUntilNanos != NOT_PAUSED;
        countFailure(outcome, wasProbe, wasPaused, nowNanos);
        boolean isPaused = pausedUntilNanos != NOT_PAUSED;
        if (wasProbe && delivery.isRetry && isPaused) {
            // Behind those that are due before the next probe.
            delivery.dueNanos = pausedUntilNanos;
        } else {
            delivery.attempts++;
            delivery.dueNanos = nowNanos
                    + max(RetrySchedule.after(delivery.attempts, random), retryAfter(outcome))
                            .toNanos();
        }
        if (delivery.attempts >= RetrySchedule.ATTEMPTS_MAX && !isPaused) {
            removeRetry(delivery, nowNanos);
            return;
        }
        if (delivery.isRetry) {
            retriesByTime.add(delivery);
            changed.add(Retry.of(delivery));
            return;
        }
        NavigableSet<Delivery> ofSubject = new TreeSet<>(BY_POSITION);
        retriesBySubject.put(delivery.subject, ofSubject);
        for (Delivery each : windowBySubject.remove(delivery.subject)) {
            each.isDone = true;
            retry(each, ofSubject);
        }
        retriesByTime.add(delivery);
    }

    private void countFailure(Outcome outcome, boolean wasProbe, boolean wasPaused, long nowNanos) {
        hasFailed = true;
        isGone |= outcome.isGone();
        if (!isFailing) {
            isFailing = true;
            failingSinceNanos = nowNanos;
        }
        // What was under way when the pause began says nothing new.
        if (!wasPaused || wasProbe) {
            failures++;
        }
        Duration retryAfter = retryAfter(outcome);
        boolean isFirstRequest = retryAfter.isPositive() && failures < RetrySchedule.FAILURES_MAX;
        if (isFirstRequest) {
            failures = RetrySchedule.FAILURES_MAX;
        }
        if (failures >= RetrySchedule.FAILURES_MAX && (!wasPaused || wasProbe || retryAfter.isPositive())) {
            // A rate limit may ask for a second, and get no more than that.
            Duration pause = isFirstRequest ? retryAfter : max(RetrySchedule.pause(failures, random), retryAfter);
            long untilNanos = nowNanos + pause.toNanos();
            pausedUntilNanos = wasPaused ? Math.max(pausedUntilNanos, untilNanos) : untilNanos;
        }
    }

    /** How long the receiver asks to be left alone, within reason. */
    private static Duration retryAfter(Outcome outcome) {
        boolean isAsked = outcome.retryAfter() != null
                && outcome.status() != null
                && (outcome.status() == TOO_MANY_REQUESTS || outcome.status() == UNAVAILABLE);
        if (!isAsked) {
            return Duration.ZERO;
        }
        return outcome.retryAfter().compareTo(RetrySchedule.RETRY_AFTER_MAX) < 0
                ? outcome.retryAfter()
                : RetrySchedule.RETRY_AFTER_MAX;
    }

    private static Duration max(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? other : one;
    }

    /** The cursor: everything up to here is done. */
    private long position() {
        while (!window.isEmpty() && window.getFirst().isDone) {
            window.remove();
        }
        return window.isEmpty() ? readPosition : window.getFirst().position - 1;
    }

    /**
     * Prepares for another worker: what is not done, but behind something that is, becomes a retry, so that the cursor
     * can pass what is done.
     */
    void handOver(long nowNanos) {
        long lastDone = window.stream()
                .filter(delivery -> delivery.isDone)
                .mapToLong(delivery -> delivery.position)
                .max()
                .orElse(0);
        for (Delivery delivery : window) {
            if (!delivery.isDone && delivery.position < lastDone) {
                NavigableSet<Delivery> ofSubject =
                        retriesBySubject.computeIfAbsent(delivery.subject, subject -> new TreeSet<>(BY_POSITION));
                delivery.isDone = true;
                delivery.dueNanos = ofSubject.isEmpty() ? nowNanos : Delivery.NOT_DUE;
                retry(delivery, ofSubject);
            }
        }
    }

    /** Whether there is anything to store. */
    boolean hasProgress() {
        return !attempts.isEmpty() || !added.isEmpty() || position() != savedPosition;
    }

    boolean hasAttempts() {
        return !attempts.isEmpty() || !added.isEmpty();
    }

    /** What to store. It counts as stored from now on. */
    Progress takeProgress(long nowNanos) {
        long position = position();
        Progress progress = new Progress(
                id,
                subscription,
                savedPosition,
                position,
                failures,
                pausedUntilNanos == NOT_PAUSED
                        ? null
                        : Duration.ofNanos(Math.max(0, pausedUntilNanos - nowNanos))
                                .toMillis(),
                isFailing,
                hasFailed,
                hasSucceeded,
                isGone,
                attempts,
                added,
                changed,
                removed);
        savedPosition = position;
        attempts = new ArrayList<>();
        added = new ArrayList<>();
        changed = new ArrayList<>();
        removed = new ArrayList<>();
        hasFailed = false;
        hasSucceeded = false;
        return progress;
    }

    /** When the oldest event in hand was made that it has not got; empty if there is none. */
    Optional<Instant> oldest() {
        return Stream.concat(
                        window.stream().filter(delivery -> !delivery.isDone).limit(1),
                        retriesBySubject.values().stream().map(NavigableSet::getFirst))
                .map(delivery -> delivery.createdAt)
                .filter(Objects::nonNull)
                .min(Comparator.naturalOrder());
    }

    /** For how long it has failed; zero if it does not. */
    Duration failing(long nowNanos) {
        return isFailing ? Duration.ofNanos(nowNanos - failingSinceNanos) : Duration.ZERO;
    }
}
