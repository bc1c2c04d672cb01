package dev.oms.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.access.ApiKeys.ValidKey;
import dev.oms.http.Problem;
import dev.oms.http.ProblemException;
import io.quarkus.security.identity.SecurityIdentity;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Decides whether a key may be used, and remembers what PostgreSQL said: a valid key for at most 10 s, any other for 1
 * s. A key in use is looked up again in the background when half of that has passed, so that its calls do not wait for
 * PostgreSQL. {@link KeyChanges} makes it forget all of it at once.
 */
@ApplicationScoped
class VerifyKeys {
    private static final Duration VALID_FOR = Duration.ofSeconds(10);
    private static final Duration INVALID_FOR = Duration.ofSeconds(1);

    /** The age at which what is known about a valid key is renewed when the key is used. */
    private static final Duration RENEW_AFTER = Duration.ofSeconds(5);

    /** How long to wait after a failed attempt to renew it. */
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

    /** One and the same for all of them, so that nobody learns which keys there have been. */
    static final Problem NOT_VALID = Problem.of(
            401,
            "The key is not valid: it is unknown, has expired or was revoked. Ask the operator of this service for another.");

    /** Far more than are in use at a time, and about 10 MB. */
    private static final int REMEMBERED_MAX = 10_000;

    /** So that a flood of unknown keys leaves the readers their connections. */
    private static final int CONNECTIONS_MAX = 4;

    /** For keys that were valid the last time. Apart, so that a flood of unknown ones does not hold them up. */
    private static final int KNOWN_CONNECTIONS_MAX = 4;

    /** Keys that may wait for a connection. */
    private static final int WAITING_MAX = 300;

    private static final int ATTEMPTS_MAX = 2;

    /** As long as a call waits for a connection. */
    private static final long WAIT_MILLIS_MAX = 2_000;

    private final Semaphore connections = new Semaphore(CONNECTIONS_MAX);
    private final Semaphore knownConnections = new Semaphore(KNOWN_CONNECTIONS_MAX);
    private final ApiKeys keys;
    private final Quotas quotas;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final Cache<ByteBuffer, Known> remembered =
            Caffeine.newBuilder().maximumSize(REMEMBERED_MAX).build();
    private final ConcurrentMap<ByteBuffer, CompletableFuture<Verdict>> lookups = new ConcurrentHashMap<>();
    private final AtomicLong changes = new AtomicLong();

    @Inject
    VerifyKeys(ApiKeys keys, Quotas quotas, Clock clock) {
        this(keys, quotas, clock, System::nanoTime);
    }

    VerifyKeys(ApiKeys keys, Quotas quotas, Clock clock, LongSupplier nanoTime) {
        this.keys = keys;
        this.quotas = quotas;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /**
     * What PostgreSQL said about a key.
     *
     * @param renewNanos when to ask again in the background, if the key is valid and used
     */
    private record Known(Verdict verdict, long renewNanos) {
        boolean isToBeRenewed(long now) {
            return verdict.isValid() && verdict.isFresh(now) && now - renewNanos >= 0;
        }

        Known stale(long now) {
            return new Known(verdict.stale(now), now);
        }

        Known renewedAt(long later) {
            return new Known(verdict, later);
        }
    }

    /** What is known about a key without waiting, if anything; it may not be fresh. */
    Optional<Verdict> remembered(KeySecret key) {
        ByteBuffer digest = ByteBuffer.wrap(key.digest());
        Known known = remembered.getIfPresent(digest);
        if (known == null) {
            return Optional.empty();
        }
        if (known.isToBeRenewed(nanoTime.getAsLong())) {
            // What was valid is looked up again, whatever others at its address do.
            lookUp(digest, () -> false);
        }
        return Optional.of(known.verdict);
    }

    /**
     * Asks PostgreSQL about a key; once at a time for each key.
     *
     * @param isBlocked whether a key that was not valid before is no longer to be looked up, asked when it is its turn
     * @return fails with a {@link ProblemException}, 503, when too many keys are being looked up
     */
    CompletableFuture<Verdict> lookUp(KeySecret key, BooleanSupplier isBlocked) {
        return lookUp(ByteBuffer.wrap(key.digest()), isBlocked);
    }

    private CompletableFuture<Verdict> lookUp(ByteBuffer digest, BooleanSupplier isBlocked) {
        CompletableFuture<Verdict> mine = new CompletableFuture<>();
        CompletableFuture<Verdict> running = lookups.putIfAbsent(digest, mine);
        if (running != null) {
            return running;
        }
        Thread.startVirtualThread(() -> {
            try {
                Verdict verdict = askUntilNothingChanges(digest, isBlocked);
                lookups.remove(digest, mine);
                mine.complete(verdict);
            } catch (InterruptedException | RuntimeException | Error e) {
                long later = nanoTime.getAsLong() + RETRY_AFTER.toNanos();
                remembered.asMap().computeIfPresent(digest, (same, known) -> known.renewedAt(later));
                lookups.remove(digest, mine);
                mine.completeExceptionally(e);
            }
        });
        return mine;
    }

    /**
     * PostgreSQL may have answered before a change that {@link #forget} was told of meanwhile: then asks once more.
     * Whoever revokes keys all the time must not keep it asking.
     */
    private Verdict askUntilNothingChanges(ByteBuffer digest, BooleanSupplier isBlocked) throws InterruptedException {
        for (int i = 0; i < ATTEMPTS_MAX; i++) {
            long before = changes.get();
            // From before the question: it may have been answered long ago.
            long asked = nanoTime.getAsLong();
            Known known = known(find(digest, isBlocked), asked);
            remembered.put(digest, known);
            if (changes.get() == before) {
                return known.verdict;
            }
            remembered.put(digest, known.stale(asked));
        }
        throw ProblemException.busy("Keys are changing; nothing was changed by this call. Try again.");
    }

    private Known known(Optional<ValidKey> key, long asked) {
        Duration lasts = key.map(
                        valid -> valid.timeLeft() != null && valid.timeLeft().compareTo(VALID_FOR) < 0
                                ? valid.timeLeft()
                                : VALID_FOR)
                .orElse(INVALID_FOR);
        long until = asked + lasts.toNanos();
        Verdict verdict = key.map(valid -> Verdict.valid(identityOf(valid), until))
                .orElseGet(() -> Verdict.refused(NOT_VALID, until));
        return new Known(verdict, asked + RENEW_AFTER.toNanos());
    }

    private SecurityIdentity identityOf(ValidKey key) {
        Instant end = key.timeLeft() == null ? null : clock.instant().plus(key.timeLeft());
        return new Caller("key:" + key.name(), key.id(), key.scopes(), key.userId()).identity(quotas.of(key), end);
    }

    private Optional<ValidKey> find(ByteBuffer digest, BooleanSupplier isBlocked) throws InterruptedException {
        Known before = remembered.getIfPresent(digest);
        boolean wasValid = before != null && before.verdict.isValid();
        Semaphore permits = wasValid ? knownConnections : connections;
        if (permits.getQueueLength() >= WAITING_MAX || !permits.tryAcquire(WAIT_MILLIS_MAX, TimeUnit.MILLISECONDS)) {
            throw busy();
        }
        try {
            if (!wasValid && isBlocked.getAsBoolean()) {
                throw busy();
            }
            return keys.findValid(digest.array());
        } finally {
            permits.release();
        }
    }

    private static ProblemException busy() {
        return ProblemException.busy("Too many keys are being verified; nothing was changed. Try again.");
    }

    /** Makes every key be looked up again before it is used. A lookup that is under way does not count as that. */
    void forget() {
        changes.incrementAndGet();
        long now = nanoTime.getAsLong();
        remembered.asMap().replaceAll((digest, known) -> known.stale(now));
    }
}
