package dev.oms.job;

import io.smallrye.mutiny.TimeoutException;
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
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Appends jobs to the stream asynchronously. One pipeline is in flight at a time; jobs that arrive meanwhile go into
 * the next. A job that cannot be sent is counted and discarded, because the order's row still says what is due.
 */
final class JobSender {
    /** Below the Redis client's limit of 2,048 commands in flight per connection. */
    private static final int PIPELINE_MAX = 1_000;

    /** How many jobs may wait while Redis does not answer. Further ones are left to the reconciler. */
    private static final int WAITING_MAX = 10_000;

    /** Without a time-out, a Redis that hangs would block every later job. */
    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    /** Above {@link #TIMEOUT}, so that a pipeline in flight is either sent or given up when the process ends. */
    private static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(6);

    private static final Logger LOG = Logger.getLogger(JobSender.class);

    private final Supplier<Redis> open;
    private final String stream;
    private final BlockingQueue<OutgoingJob> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private final AtomicBoolean sending = new AtomicBoolean();
    private final LongAdder failures = new LongAdder();
    private final OutageLog outage =
            new OutageLog(LOG, "Jobs cannot be sent to Redis: orders are accepted, but settled later");

    /** Null until it is needed. Guarded by this. */
    private Redis client;

    /**
     * A job to be sent.
     *
     * @param traceparent its W3C trace context, or null if it is not traced
     */
    private record OutgoingJob(long orderId, String traceparent) {
        Request request(String stream) {
            Request request = Request.cmd(Command.XADD)
                    .arg(stream)
                    .arg("*")
                    .arg(Job.ORDER_ID)
                    .arg(orderId);
            return traceparent == null ? request : request.arg(Job.TRACEPARENT).arg(traceparent);
        }
    }

    /**
     * @param open opens a client with a connection of its own
     * @param stream the key of the stream
     */
    JobSender(Supplier<Redis> open, String stream) {
        this.open = open;
        this.stream = stream;
    }

    /** Sends a job as soon as possible, and returns at once. */
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

    /** Sends jobs and waits until Redis has them. Throws if any of them cannot be sent. */
    void sendAndWait(List<Long> orderIds) {
        for (int from = 0; from < orderIds.size(); from += PIPELINE_MAX) {
            pipeline(orderIds.subList(from, Math.min(from + PIPELINE_MAX, orderIds.size())).stream()
                            .map(orderId -> new OutgoingJob(orderId, null))
                            .toList())
                    .await()
                    .atMost(TIMEOUT.multipliedBy(2));
        }
    }

    private Uni<?> pipeline(List<OutgoingJob> jobs) {
        List<Request> requests = jobs.stream().map(job -> job.request(stream)).toList();
        return Uni.createFrom().deferred(() -> {
            Redis redis = client();
            return redis.batch(requests)
                    .ifNoItem()
                    .after(TIMEOUT)
                    .fail()
                    .onFailure(TimeoutException.class)
                    // Otherwise the commands would stay in flight, and later ones would queue behind them.
                    .invoke(() -> close(redis));
        });
    }

    private synchronized Redis client() {
        if (client == null) {
            client = open.get();
        }
        return client;
    }

    /** Closes a client, unless another pipeline has done so already. */
    private synchronized void close(Redis redis) {
        if (client == redis) {
            client = null;
            redis.close();
        }
    }

    /** Waits until the jobs under way are sent, for 6 seconds at most, and closes the connection. */
    void stop() {
        long deadlineNanos = System.nanoTime() + DRAIN_TIMEOUT.toNanos();
        while ((sending.get() || !waiting.isEmpty()) && System.nanoTime() < deadlineNanos) {
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
        }
        if (!waiting.isEmpty()) {
            LOG.warnf("%d jobs are not sent: the reconciler of a worker sends them", waiting.size());
        }
        synchronized (this) {
            if (client != null) {
                close(client);
            }
        }
    }

    /** The number of jobs that could not be sent since this process started. */
    long failures() {
        return failures.sum();
    }
}
