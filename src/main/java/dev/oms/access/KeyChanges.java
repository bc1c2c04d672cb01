package dev.oms.access;

import dev.oms.http.Causes;
import dev.oms.http.RedisConfig;
import dev.oms.http.RedisProblem;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.redis.datasource.keys.ReactiveKeyCommands;
import io.quarkus.redis.datasource.value.ReactiveValueCommands;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * Tells all web processes that a key was revoked or rolled, by naming the last change in Redis. Each looks at it twice
 * a second. Polled rather than published, because a message that comes while a subscription is being restored is lost,
 * and a value is not. Random, because a Redis that lost its last writes would count to the same number again. While
 * Redis is down, each process asks PostgreSQL about a key at least every 10 s ({@link VerifyKeys}).
 */
@ApplicationScoped
class KeyChanges {
    private static final Logger LOG = Logger.getLogger(KeyChanges.class);
    private static final Duration POLL_EVERY = Duration.ofMillis(500);

    /** A Redis that does not answer is asked again. */
    private static final Duration TIMEOUT = Duration.ofMillis(500);

    /** For how long Redis may be silent before that is logged. Its first answer can take longer than a poll. */
    private static final Duration SILENCE_MAX = Duration.ofSeconds(3);

    private final AuthMode mode;
    private final ReactiveValueCommands<String, String> redis;
    private final ReactiveKeyCommands<String> redisKeys;
    private final String lastChange;
    private final VerifyKeys verifyKeys;
    private final Event<KeysChanged> listeners;
    private final Vertx vertx;
    private final AtomicBoolean isPolling = new AtomicBoolean();
    private volatile String last;
    private volatile boolean isUp = true;
    private volatile long heardNanos = System.nanoTime();

    KeyChanges(
            AuthMode mode,
            ReactiveRedisDataSource redis,
            RedisConfig config,
            VerifyKeys verifyKeys,
            Event<KeysChanged> listeners,
            Vertx vertx) {
        this.mode = mode;
        this.redis = redis.value(String.class);
        this.redisKeys = redis.key();
        this.lastChange = config.key("api-key-change");
        this.verifyKeys = verifyKeys;
        this.listeners = listeners;
        this.vertx = vertx;
    }

    void start(@Observes StartupEvent event) {
        if (mode.isGuarded()) {
            heardNanos = System.nanoTime();
            vertx.setPeriodic(POLL_EVERY.toMillis(), timer -> poll());
        }
    }

    private void poll() {
        if (isPolling.compareAndSet(false, true)) {
            lastChange()
                    .ifNoItem()
                    .after(TIMEOUT)
                    .fail()
                    .onTermination()
                    .invoke(() -> isPolling.set(false))
                    .subscribe()
                    .with(this::compare, this::down);
        }
    }

    private Uni<String> lastChange() {
        return redis.get(lastChange)
                .onFailure(failure -> RedisProblem.of(failure) == RedisProblem.WRONG_TYPE)
                .recoverWithUni(() -> redisKeys.del(lastChange).replaceWith((String) null));
    }

    void down(Throwable failure) {
        if (isUp && System.nanoTime() - heardNanos > SILENCE_MAX.toNanos()) {
            isUp = false;
            LOG.warnf(
                    "Redis is unavailable: a change of keys takes up to 10 s (%s)",
                    failure instanceof TimeoutException
                            ? "no answer"
                            : Causes.root(failure).getMessage());
        }
    }

    void compare(String change) {
        heardNanos = System.nanoTime();
        if (!isUp) {
            isUp = true;
            LOG.info("Redis is available again: a change of keys takes a second.");
        }
        if (!Objects.equals(change, last)) {
            last = change;
            tell();
        }
    }

    private void tell() {
        verifyKeys.forget();
        listeners.fire(new KeysChanged());
    }

    /** To be called after the commit. */
    void announce() {
        tell();
        redis.set(lastChange, UUID.randomUUID().toString())
                .subscribe()
                .with(
                        stored -> {},
                        failure -> LOG.warnf("A change of keys takes up to 10 s: %s", failure.getMessage()));
    }
}
