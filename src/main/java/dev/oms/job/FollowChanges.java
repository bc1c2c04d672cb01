package dev.oms.job;

import dev.oms.event.FeedNews;
import dev.oms.http.RedisConfig;
import dev.oms.order.ChangeNews;
import io.quarkus.runtime.ShutdownEvent;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.interceptor.Interceptor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Subscribes to the changed-order messages of all processes ({@link PublishChanges}), on a connection of its own. It
 * subscribes when somebody first waits for a change or for events: a process without waiting calls opens no connection.
 * The connection is checked while somebody waits, and replaced if it is silent.
 */
@ApplicationScoped
class FollowChanges implements ChangeNews, FeedNews {
    private static final Logger LOG = Logger.getLogger(FollowChanges.class);

    /** After a failure. */
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

    /** After it has heard nothing for as long, it asks Redis to answer. */
    private static final Duration PING_AFTER = Duration.ofSeconds(1);

    /** A connection that has heard nothing for as long may be dead. */
    private static final Duration SILENCE_MAX = Duration.ofSeconds(2);

    /** How long it may take to answer, or to connect. */
    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    private final DedicatedRedis dedicated;
    private final String channel;
    private final OutageLog outage =
            new OutageLog(LOG, "No messages about changed orders from Redis: this process polls PostgreSQL");

    private volatile Subscription subscription;
    private volatile Consumer<List<Long>> changed = ids -> {};
    private volatile Runnable committed = () -> {};

    /** Guarded by this. */
    private long retryNanos = System.nanoTime();

    FollowChanges(DedicatedRedis dedicated, RedisConfig config) {
        this.dedicated = dedicated;
        this.channel = config.key(PublishChanges.CHANNEL);
    }

    @Override
    public boolean follow(Consumer<List<Long>> changed) {
        this.changed = changed;
        return follow();
    }

    /** Orders change with most events; others are found later. */
    @Override
    public void followCommits(Runnable committed) {
        this.committed = committed;
        follow();
    }

    private synchronized boolean follow() {
        long now = System.nanoTime();
        try {
            Subscription current = subscription;
            if (current != null) {
                return current.check(now);
            }
            if (now - retryNanos >= 0) {
                retryNanos = now + RETRY_AFTER.toNanos();
                Subscription next = new Subscription();
                subscription = next;
                next.open();
            }
        } catch (RuntimeException e) {
            // Whoever waits must go on to poll.
            outage.failed(e);
        }
        return false;
    }

    void stop(@Observes @Priority(Interceptor.Priority.LIBRARY_AFTER) ShutdownEvent event) {
        Subscription last = subscription;
        // Its end is no failure then.
        subscription = null;
        if (last != null) {
            last.client.close();
        }
    }

    private final class Subscription {
        private final Redis client = dedicated.open().getDelegate();
        private volatile RedisConnection connection;
        private volatile boolean isSubscribed;
        private volatile long heardNanos = System.nanoTime();

        /** Since when an answer is due. */
        private volatile long askedNanos = heardNanos;

        private volatile boolean isAsked = true;

        private void open() {
            client.connect().onFailure(this::failed).onSuccess(opened -> {
                if (subscription != this) {
                    // Too late: it has been given up.
                    opened.close();
                    return;
                }
                opened.handler(this::hear)
                        .exceptionHandler(this::failed)
                        .endHandler(ended -> failed(new IllegalStateException("the connection has ended")));
                connection = opened;
                opened.send(Request.cmd(Command.SUBSCRIBE).arg(channel)).onFailure(this::failed);
            });
        }

        /** Whether it hears of changes. */
        private boolean check(long now) {
            if (isAsked && now - askedNanos > TIMEOUT.toNanos()) {
                failed(new IllegalStateException("no answer"));
                return false;
            }
            long silentNanos = now - heardNanos;
            if (isSubscribed && !isAsked && silentNanos > PING_AFTER.toNanos()) {
                askedNanos = now;
                isAsked = true;
                connection.send(Request.cmd(Command.PING)).onSuccess(this::hear).onFailure(this::failed);
            }
            return isSubscribed && silentNanos < SILENCE_MAX.toNanos();
        }

        /**
         * A message or a reply. The client takes the next of either for the reply to a PING (RESP2 does not tell them
         * apart).
         */
        private void hear(Response reply) {
            heardNanos = System.nanoTime();
            isAsked = false;
            if (reply == null || reply.type() == ResponseType.ERROR) {
                failed(new IllegalStateException(String.valueOf(reply)));
            } else if (reply.type() == ResponseType.MULTI && reply.size() == 3) {
                switch (reply.get(0).toString()) {
                    case "subscribe" -> {
                        isSubscribed = true;
                        outage.recovered();
                    }
                    case "message" -> {
                        changed.accept(ids(reply.get(2).toString()));
                        committed.run();
                    }
                    default -> {}
                }
            }
        }

        private void failed(Throwable e) {
            client.close();
            if (subscription == this) {
                subscription = null;
                outage.failed(e);
            }
        }
    }

    /** The ids in a message, without what is none: anybody may publish. */
    private static List<Long> ids(String message) {
        List<Long> ids = new ArrayList<>();
        for (String id : message.split(",")) {
            try {
                ids.add(Long.valueOf(id));
            } catch (NumberFormatException e) {
                LOG.debugf("Not an order's id: %s", id);
            }
        }
        return ids;
    }
}
