package dev.oms.job;

import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.redis.client.Command;
import io.vertx.mutiny.redis.client.Redis;
import io.vertx.mutiny.redis.client.Request;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.jboss.logging.Logger;

/**
 * Appends jobs to the stream without anybody waiting for it: one pipeline at a time, into which goes all that has come
 * up meanwhile. What cannot be sent is counted and forgotten, for the order's row remembers it.
 */
final class JobSender {
    /** Below the Redis client's limit of commands in flight on a connection, which is 2,048. */
    private static final int PIPELINE_MAX = 1_000;

    /** What may wait while Redis does not answer. Beyond that it is the reconciler's. */
    private static final int WAITING_MAX = 10_000;

    /** Without one, a Redis that hangs would hold up all that comes after. */
    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    private static final Logger LOG = Logger.getLogger(JobSender.class);

    private final Redis redis;
    private final BlockingQueue<OutgoingJob> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private final AtomicBoolean sending = new AtomicBoolean();
    private final LongAdder failures = new LongAdder();
    private final OutageLog outage = new OutageLog(LOG, "Redis is away: orders are accepted, their stock has to wait");

    /**
     * A job as it is sent.
     *
     * @param traceparent the trace that it is part of, or null
     */
    private record OutgoingJob(long orderId, String traceparent) {
        Request request() {
            Request request = Request.cmd(Command.XADD)
                    .arg(InventoryJobQueue.STREAM)
                    .arg("*")
                    .arg(Job.ORDER_ID)
                    .arg(orderId);
            return traceparent == null ? request : request.arg(Job.TRACEPARENT).arg(traceparent);
        }
    }

    JobSender(Redis redis) {
        this.redis = redis;
    }

    /** Sends a job as soon as may be, and returns at once. */
    void send(long orderId) {
        if (!waiting.offer(new OutgoingJob(orderId, JobTraces.traceparent()))) {
            failures.increment();
        }
        sendWaiting();
    }

    private void sendWaiting() {
        while (!waiting.isEmpty() && sending.compareAndSet(false, true)) {
            List<OutgoingJob> jobs = new ArrayList<>();
            waiting.drainTo(jobs, PIPELINE_MAX);
            if (!jobs.isEmpty()) {
                pipeline(jobs).subscribe().with(sent -> sent(), e -> failed(jobs.size(), e));
                return;
            }
            sending.set(false);
        }
    }

    private void sent() {
        outage.recovered();
        next();
    }

    private void failed(int jobs, Throwable e) {
        failures.add(jobs);
        outage.failed(e);
        next();
    }

    private void next() {
        sending.set(false);
        sendWaiting();
    }

    /** Sends jobs, and fails when Redis does not have all of them. */
    void sendAndWait(List<Long> orderIds) {
        for (int from = 0; from < orderIds.size(); from += PIPELINE_MAX) {
            pipeline(orderIds.subList(from, Math.min(from + PIPELINE_MAX, orderIds.size())).stream()
                            .map(orderId -> new OutgoingJob(orderId, null))
                            .toList())
                    .await()
                    .indefinitely();
        }
    }

    private Uni<?> pipeline(List<OutgoingJob> jobs) {
        List<Request> requests = jobs.stream().map(OutgoingJob::request).toList();
        return redis.batch(requests).ifNoItem().after(TIMEOUT).fail();
    }

    /** How many jobs could not be sent since the start. */
    long failures() {
        return failures.sum();
    }
}
