package dev.oms.job;

import dev.oms.http.DatabaseOutage;
import dev.oms.job.InventoryJobQueue.Reader;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jboss.logging.Logger;
import org.jboss.logging.MDC;

/**
 * Reads jobs off the stream, has them settled a batch at a time, and acknowledges them after the commit.
 *
 * <ul>
 *   <li>It keeps reading, blocked while there is nothing; the schedule only starts it again when it has ended.
 *   <li>It ends on any trouble with Redis or the database. What it had read then stays with it, and is the first that
 *       it reads when it starts again; when it never does, another consumer claims it.
 *   <li>A batch that fails for another reason is settled order by order, so that one bad order does not hold up the
 *       rest.
 *   <li>On shutdown it finishes its batch, acknowledges, and reads no more.
 * </ul>
 */
@ApplicationScoped
class InventoryJobConsumer {
    private static final Logger LOG = Logger.getLogger(InventoryJobConsumer.class);

    private static final long HEARTBEAT_NANOS = Duration.ofSeconds(1).toNanos();

    // Far above what comes while a batch is settled at some hundred orders a second: those are not kept waiting.
    private static final int LINGER_MIN_JOBS = 5;
    private static final long LINGER_NANOS_PER_JOB = Duration.ofMillis(1).toNanos();
    private static final long LINGER_NANOS_MAX = Duration.ofMillis(50).toNanos();

    private final InventoryJobQueue queue;
    private final SettleStock settleStock;
    private final FailedJobs failedJobs;
    private final Workers workers;
    private final JobTraces traces;
    private final Instant startedAt;
    private final JobConfig.Consumer config;
    private final String name;
    private final OutageLog outage = new OutageLog(LOG, "Jobs have to wait");
    private final ReentrantLock running = new ReentrantLock();
    private volatile boolean stopping;

    // Both only by the thread that runs.
    private long settled;
    private long lastHeartbeatNanos = System.nanoTime() - HEARTBEAT_NANOS;

    @Inject
    InventoryJobConsumer(
            InventoryJobQueue queue,
            SettleStock settleStock,
            FailedJobs failedJobs,
            Workers workers,
            JobTraces traces,
            Clock clock,
            JobConfig config) {
        this(queue, settleStock, failedJobs, workers, traces, clock, config.consumer(), Workers.thisProcess());
    }

    InventoryJobConsumer(
            InventoryJobQueue queue,
            SettleStock settleStock,
            FailedJobs failedJobs,
            Workers workers,
            JobTraces traces,
            Clock clock,
            JobConfig.Consumer config,
            String name) {
        this.queue = queue;
        this.settleStock = settleStock;
        this.failedJobs = failedJobs;
        this.workers = workers;
        this.traces = traces;
        this.startedAt = clock.instant();
        this.config = config;
        this.name = name;
    }

    // It hardly ever ends, so it must not take one of the shared workers' threads.
    @RunOnVirtualThread
    @Scheduled(every = "{oms.job.consumer.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void run() {
        running.lock();
        try {
            if (!stopping) {
                queue.createGroup();
                queue.read(name, this::consume);
            }
        } catch (RuntimeException e) {
            // The group is gone when Redis has lost its data; the next start makes it again.
            outage.failed(e);
        } finally {
            running.unlock();
        }
    }

    /** Waits until the batch at hand is settled and acknowledged. */
    void stop(@Observes ShutdownEvent event) {
        stopping = true;
        running.lock();
        running.unlock();
    }

    private void consume(Reader reader) {
        // First what it had been given before it ended.
        String cursor = "0";
        long lastClaimNanos = System.nanoTime() - config.claimAfter().toNanos();
        while (!stopping) {
            sendHeartbeat(reader);
            if (cursor == null
                    && System.nanoTime() - lastClaimNanos > config.claimAfter().toNanos() / 2) {
                if (reader.claimAbandoned(config.batchSize(), config.claimAfter())) {
                    cursor = "0";
                } else {
                    lastClaimNanos = System.nanoTime();
                }
            }
            List<Job> jobs = cursor == null
                    ? reader.readNew(config.batchSize(), config.block())
                    : reader.readPending(cursor, config.batchSize());
            if (cursor != null) {
                cursor = jobs.isEmpty() ? null : jobs.getLast().entryId();
            }
            traces.trace(jobs, () -> settle(jobs));
            // Only now: the transaction is committed, so what is acknowledged cannot be lost.
            reader.acknowledge(jobs);
            outage.recovered();
            linger(jobs.size());
        }
    }

    /**
     * Where many come at a time, lets the next ones come together, the longer the more they are: much of what a batch
     * costs, it costs once.
     */
    private void linger(int jobs) {
        if (jobs >= LINGER_MIN_JOBS && jobs < config.batchSize()) {
            LockSupport.parkNanos(Math.min(jobs * LINGER_NANOS_PER_JOB, LINGER_NANOS_MAX));
        }
    }

    private void sendHeartbeat(Reader reader) {
        if (System.nanoTime() - lastHeartbeatNanos > HEARTBEAT_NANOS) {
            workers.heartbeat(name, startedAt, settled);
            reader.keepAlive();
            lastHeartbeatNanos = System.nanoTime();
        }
    }

    private void settle(List<Job> jobs) {
        for (Job job : jobs) {
            // One without anything was settled before, and deleted, but not acknowledged.
            if (job.orderId() == null && !job.fields().isEmpty()) {
                LOG.errorf("Dead: entry %s names no order: %s", job.entryId(), job.fields());
                failedJobs.recordUnreadable(job);
            }
        }
        List<Long> orderIds = jobs.stream()
                .map(Job::orderId)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
        if (orderIds.isEmpty()) {
            return;
        }
        long started = System.nanoTime();
        try {
            int settledNow = settleStock.settle(orderIds);
            settled += settledNow;
            LOG.debugf(
                    "Settled %d of %d orders in %d ms",
                    settledNow,
                    orderIds.size(),
                    Duration.ofNanos(System.nanoTime() - started).toMillis());
        } catch (RuntimeException e) {
            if (DatabaseOutage.isBehind(e)) {
                throw e;
            }
            LOG.warnf(e, "A batch of %d orders failed: settling them one by one", orderIds.size());
            orderIds.forEach(this::settleAlone);
        }
    }

    private void settleAlone(long orderId) {
        MDC.put("order_id", orderId);
        try {
            settled += settleStock.settle(List.of(orderId));
        } catch (RuntimeException e) {
            if (DatabaseOutage.isBehind(e)) {
                throw e;
            }
            // Its job is acknowledged all the same: the reconciler sends it again when its time has come.
            FailedJob failed = failedJobs.record(orderId, e);
            LOG.errorf(
                    e,
                    failed.isDead() ? "Dead: order %d cannot be settled, try %d" : "Order %d cannot be settled, try %d",
                    orderId,
                    failed.attempts());
        } finally {
            MDC.remove("order_id");
        }
    }
}
