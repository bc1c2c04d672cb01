package dev.oms.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.access.ApiKeys.ValidKey;
import dev.oms.http.ProblemException;
import io.quarkus.security.identity.SecurityIdentity;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Decides whether a key may be used, and remembers what PostgreSQL said: a valid key for at most 10 s, any other for 1
 * s. {@link KeyChanges} makes it forget all of it at once.
 */
@ApplicationScoped
class VerifyKeys {
    private static final Duration VALID_FOR = Duration.ofSeconds(10);
    private static final Duration INVALID_FOR = Duration.ofSeconds(1);

    /** Far more than are in use at a time, and about 10 MB. */
    private static final int REMEMBERED_MAX = 10_000;

    /** So that a flood of unknown keys leaves the readers their connections. */
    private static final int CONNECTIONS_MAX = 4;

    /** As long as a call waits for a connection. */
    private static final long WAIT_MILLIS_MAX = 2_000;

    private final Semaphore connections = new Semaphore(CONNECTIONS_MAX);
    private final ApiKeys keys;
    private final Quotas quotas;
    private final Cache<ByteBuffer, Answer> answers =
            Caffeine.newBuilder().maximumSize(REMEMBERED_MAX).build();
    private final ConcurrentMap<ByteBuffer, CompletableFuture<Answer>> lookups = new ConcurrentHashMap<>();
    private final AtomicLong changes = new AtomicLong();

    VerifyKeys(ApiKeys keys, Quotas quotas) {
        this.keys = keys;
        this.quotas = quotas;
    }

    /**
     * What is known about a key or a token.
     *
     * @param identity who has it, or empty if it is not valid
     */
    record Answer(Optional<SecurityIdentity> identity, long untilNanos) {
        private static Answer of(Optional<ValidKey> key, Quotas quotas, long nowNanos) {
            Duration remembered = key.map(valid ->
                            valid.timeLeft() != null && valid.timeLeft().compareTo(VALID_FOR) < 0
                                    ? valid.timeLeft()
                                    : VALID_FOR)
                    .orElse(INVALID_FOR);
            return new Answer(key.map(valid -> identityOf(valid, quotas)), nowNanos + remembered.toNanos());
        }

        private static SecurityIdentity identityOf(ValidKey key, Quotas quotas) {
            return new Caller("key:" + key.name(), key.id(), key.scopes(), key.userId()).identity(quotas.of(key));
        }

        private Answer stale() {
            return new Answer(identity, System.nanoTime());
        }

        /** Whether the answer may still be used. */
        boolean isFresh() {
            return untilNanos - System.nanoTime() > 0;
        }
    }

    /** What is known about a key without asking, if anything; it may not be fresh. */
    Optional<Answer> remembered(KeySecret key) {
        return Optional.ofNullable(answers.getIfPresent(ByteBuffer.wrap(key.digest())));
    }

    /** Asks PostgreSQL about a key; once at a time for each key. */
    CompletableFuture<Answer> lookUp(KeySecret key) {
        ByteBuffer digest = ByteBuffer.wrap(key.digest());
        CompletableFuture<Answer> mine = new CompletableFuture<>();
        CompletableFuture<Answer> running = lookups.putIfAbsent(digest, mine);
        if (running != null) {
            return running;
        }
        Thread.startVirtualThread(() -> {
            try {
                long before = changes.get();
                // From before the question: it may have been answered long ago.
                long asked = System.nanoTime();
                Answer answer = Answer.of(find(digest.array()), quotas, asked);
                answers.put(digest, answer);
                if (changes.get() != before) {
                    // PostgreSQL may have answered before the change.
                    answers.put(digest, answer.stale());
                }
                lookups.remove(digest, mine);
                mine.complete(answer);
            } catch (InterruptedException | RuntimeException | Error e) {
                lookups.remove(digest, mine);
                mine.completeExceptionally(e);
            }
        });
        return mine;
    }

    private Optional<ValidKey> find(byte[] digest) throws InterruptedException {
        if (!connections.tryAcquire(WAIT_MILLIS_MAX, TimeUnit.MILLISECONDS)) {
            throw ProblemException.busy("Too many keys are being verified; nothing was changed. Try again.");
        }
        try {
            return keys.findValid(digest);
        } finally {
            connections.release();
        }
    }

    /** Makes every key be looked up again before it is used. A lookup that is under way does not count as that. */
    void forget() {
        changes.incrementAndGet();
        answers.asMap().replaceAll((digest, answer) -> answer.stale());
    }
}
