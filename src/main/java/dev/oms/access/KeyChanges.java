package dev.oms.access;

import dev.oms.http.RedisConfig;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.redis.datasource.value.ReactiveValueCommands;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Tells all web processes that a key was revoked or rolled, by naming the last change in Redis. Each looks at it twice
 * a second. Polled rather than published, because a message that comes while a subscription is being restored is lost,
 * and a value is not. Random, because a Redis that lost its last writes would count to the same number again. While
 * Redis is down, keys are asked about anew after 10 s ({@link VerifyKeys}).
 */
@ApplicationScoped
class KeyChanges {
    private static final Logger LOG = Logger.getLogger(KeyChanges.class);
    private static final Duration POLL_EVERY = Duration.ofMillis(500);

    private final boolean isOn;
    private final ReactiveValueCommands<String, String> redis;
    private final String lastChange;
    private final VerifyKeys verifyKeys;
    private final Event<KeysChanged> listeners;
    private final Vertx vertx;
    private final AtomicBoolean isPolling = new AtomicBoolean();
    private volatile String last;

    KeyChanges(
            @ConfigProperty(name = "oms.auth") boolean isOn,
            @ConfigProperty(name = "quarkus.http.host-enabled", defaultValue = "true") boolean isServing,
            ReactiveRedisDataSource redis,
            RedisConfig config,
            VerifyKeys verifyKeys,
            Event<KeysChanged> listeners,
            Vertx vertx) {
        this.isOn = isOn && isServing;
        this.redis = redis.value(String.class);
        this.lastChange = config.key("api-key-change");
        this.verifyKeys = verifyKeys;
        this.listeners = listeners;
        this.vertx = vertx;
    }

    void start(@Observes StartupEvent event) {
        if (isOn) {
            vertx.setPeriodic(POLL_EVERY.toMillis(), timer -> poll());
        }
    }

    private void poll() {
        if (isPolling.compareAndSet(false, true)) {
            redis.get(lastChange)
                    .onTermination()
                    .invoke(() -> isPolling.set(false))
                    .subscribe()
                    .with(this::compare, failure -> LOG.debug("Changes of keys cannot be read", failure));
        }
    }

    private void compare(String change) {
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
