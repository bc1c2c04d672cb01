package dev.oms.job;

import dev.oms.http.RedisConfig;
import dev.oms.order.OrdersChanged;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.TransactionPhase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Tells all processes which orders have changed: one message for those of a batch. One is on its way at a time; orders
 * that change meanwhile go into the next. Nobody waits for it, and a message may be lost: {@link FollowChanges}.
 *
 * @see <a href="https://redis.io/docs/latest/develop/pubsub/">Redis Pub/Sub</a>
 */
@ApplicationScoped
class PublishChanges {
    private static final Logger LOG = Logger.getLogger(PublishChanges.class);

    /** The channel, without the prefix. */
    static final String CHANNEL = "changed-orders";

    /** The maximum number of orders in a message. */
    private static final int IDS_MAX = 1_000;

    /** How many may wait while Redis does not answer. Further ones are not told. */
    private static final int WAITING_MAX = 10_000;

    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final ReactiveRedisDataSource redis;
    private final String channel;
    private final BlockingQueue<Long> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private final AtomicBoolean sending = new AtomicBoolean();
    private final OutageLog failures =
            OutageLog.ofHousekeeping(LOG, "changes of orders are not told, calls that wait for one hear of it later");

    PublishChanges(ReactiveRedisDataSource redis, RedisConfig config) {
        this.redis = redis;
        this.channel = config.key(CHANNEL);
    }

    void publish(@Observes(during = TransactionPhase.AFTER_SUCCESS) OrdersChanged changed) {
        changed.orderIds().forEach(waiting::offer);
        send();
    }

    private void send() {
        while (!waiting.isEmpty() && sending.compareAndSet(false, true)) {
            List<Long> ids = new ArrayList<>();
            waiting.drainTo(ids, IDS_MAX);
            if (!ids.isEmpty()) {
                String message = ids.stream().map(String::valueOf).collect(Collectors.joining(","));
                redis.execute("PUBLISH", channel, message)
                        .ifNoItem()
                        .after(TIMEOUT)
                        .fail()
                        .subscribe()
                        .with(receivers -> sent(), this::failed);
                return;
            }
            sending.set(false);
        }
    }

    private void sent() {
        failures.recovered();
        next();
    }

    private void failed(Throwable e) {
        failures.failed(e);
        next();
    }

    private void next() {
        sending.set(false);
        send();
    }
}
