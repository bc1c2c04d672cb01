package dev.oms.job;

import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.redis.datasource.stream.StreamRange;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;

/** Lets the other rooms' tests look into the stream. */
@ApplicationScoped
public class Streams {
    private final InventoryJobQueue queue;
    private final RedisDataSource redis;

    Streams(InventoryJobQueue queue, RedisDataSource redis) {
        this.queue = queue;
        this.redis = redis;
    }

    public void send(long orderId) {
        queue.sendAndWait(List.of(orderId));
    }

    public List<Long> orderIds() {
        return redis.stream(String.class).xrange(InventoryJobQueue.STREAM, StreamRange.of("-", "+")).stream()
                .map(message -> Long.valueOf(message.payload().get(Job.ORDER_ID)))
                .toList();
    }
}
