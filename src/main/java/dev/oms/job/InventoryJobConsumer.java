package dev.oms.job;

import dev.oms.http.DatabaseFailure;
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
 * Reads jobs from the stream, settles them in batches, and acknowledges them after the commit.
 *
 * <ul>
 *   <li>It loops, blocked while the stream is empty. The schedule only restarts it after it has ended.
 *   <li>It ends on any failure of Redis or the database. The jobs it has read stay pending, and are the first that it
 *       reads after a restart. If it never restarts, another consumer claims them.
 *   <li>If a batch fails for any other reason, its orders are settled one by one, so that one bad order does not hold
 *       up the rest.
 *   <li>On shutdown it finishes its batch, acknowledges it, and stops reading.
 * </ul>
 */
@ApplicationScoped
class InventoryJobConsumer {
    private static final Logger LOG = Logger.getLogger(InventoryJobConsumer.class);

    private static final long HEARTBEAT_NANOS = Duration.ofSeconds(1).toNanos();

    // Below this size a batch does not linger. At some hundred orders a second, far fewer jobs arrive while a batch is
    // settled, so those orders are not delayed.
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
    private final OutageLog outage = new OutageLog(LOG, "Jobs cannot be read or settled");
    private final ReentrantLock running = new ReentrantLock();
    private volatile boolean stopping;

    // Both are used by the consuming thread only.
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

    // It runs for as long as the process does, so it must not occupy a thread of the shared worker pool.
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
            // If Redis has lost its data, the group is gone; the next run creates it again.
            outage.failed(e);
        } finally {
            running.unlock();
        }
    }

    /** Waits until the current batch is settled and acknowledged. */
    void stop(@Observes ShutdownEvent event) {
        stopping = true;
        running.lock();
        running.unlock();
    }

    private void consume(Reader reader) {
        // Start with the entries that were delivered to this consumer before it ended.
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
            // Only after the commit, so that an acknowledged job cannot be lost.
            reader.acknowledge(jobs);
            outage.recovered();
            linger(jobs.size());
        }
    }

    /**
     * Under load, waits a moment before the next read, so that more jobs share a batch: much of a batch's cost does not
     * depend on its size. The pause grows with the size of the last batch.
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
            // An entry without fields was settled and deleted before, but not acknowledged.
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
            if (DatabaseFailure.of(e).isTransient()) {
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
            if (DatabaseFailure.of(e).isTransient()) {
                throw e;
            }
            // The job is acknowledged anyway: the reconciler sends it again when its next attempt is due.
            FailedJob failed = failedJobs.record(orderId, e);
            LOG.errorf(
                    e,
                    failed.isDead()
                            ? "Dead: order %d cannot be settled, attempt %d"
                            : "Order %d cannot be settled, attempt %d",
                    orderId,
                    failed.attempts());
        } finally {
            MDC.remove("order_id");
        }
    }
}
