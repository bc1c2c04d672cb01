package dev.oms.job;

import dev.oms.http.DatabaseFailure;
import dev.oms.http.RedisProblem;
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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jboss.logging.MDC;

/**
 * Reads jobs from the stream, settles them in batches, and acknowledges them after the commit.
 *
 * <ul>
 *   <li>It loops, blocked while the stream is empty. The schedule only restarts it after it has ended.
 *   <li>Nothing but reading, settling and acknowledging can end it. A full Redis refuses heartbeats, and still gives
 *       out and deletes its jobs.
 *   <li>It ends when one of these fails. The jobs it has read stay pending, and are the first that it reads after a
 *       restart. If it never restarts, another consumer claims them.
 *   <li>Jobs whose order or item another transaction holds stay pending too. It tries them again at growing intervals,
 *       in turn with new ones.
 *   <li>If the data of an order is at fault, halving the batch finds it, so that one bad order does not hold up the
 *       rest.
 *   <li>On shutdown it finishes its batch, acknowledges it, and stops reading.
 * </ul>
 */
@ApplicationScoped
class InventoryJobConsumer {
    private static final Logger LOG = Logger.getLogger(InventoryJobConsumer.class);

    private static final Duration HEARTBEAT = Duration.ofSeconds(1);

    /** How long after its last heartbeat a worker counts as dead: it has missed four. */
    private static final Duration DEAD_AFTER = Duration.ofSeconds(5);

    /** How long a worker that stops tries the jobs that are still held, before it leaves them to others. */
    private static final long HELD_AT_STOP_NANOS = Duration.ofSeconds(1).toNanos();

    private static final long CLAIM_NANOS = Duration.ofSeconds(1).toNanos();

    private static final long RETRY_FULL_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long RETRY_NANOS_MIN = Duration.ofMillis(50).toNanos();
    private static final long RETRY_NANOS_MAX = Duration.ofSeconds(2).toNanos();

    /** How long a shutdown waits for the batch. Below the grace period before SIGKILL, which is 45 s on Kubernetes. */
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

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
    private final OutageLog heartbeat = new OutageLog(LOG, "This worker is not ready: Redis refuses its heartbeat");
    private final OutageLog group = new OutageLog(LOG, "The workers' group cannot be created: Redis is full");
    private final OutageLog claims = new OutageLog(LOG, "Jobs of dead workers cannot be claimed");
    private final ReentrantLock running = new ReentrantLock();
    private volatile boolean stopping;

    private volatile Thread heartbeats;
    private volatile long settled;

    // Used by the consuming thread only. Smaller after an outage: a slow database may still manage a small batch.
    private int batchSize;

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
        this.batchSize = config.batchSize();
    }

    // It runs for as long as the process does, so it must not occupy a thread of the shared worker pool.
    @RunOnVirtualThread
    @Scheduled(every = "{oms.job.consumer.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void run() {
        running.lock();
        try {
            if (!stopping) {
                heartbeats = Thread.ofVirtual().name("heartbeats").unstarted(this::sendHeartbeats);
                heartbeats.start();
                read();
            }
        } catch (RuntimeException e) {
            outage.failed(e);
        } finally {
            heartbeats = null;
            running.unlock();
        }
    }

    private void read() {
        while (!stopping) {
            try {
                queue.read(name, this::consume);
            } catch (RuntimeException e) {
                if (!RedisProblem.isMissing(e)) {
                    throw e;
                }
                // At the first start, and after Redis has lost its data.
                createGroup();
                LockSupport.parkNanos(RETRY_NANOS_MIN);
            }
        }
    }

    private void createGroup() {
        try {
            queue.createGroup();
            group.recovered();
        } catch (RuntimeException e) {
            if (RedisProblem.of(e) != RedisProblem.FULL) {
                throw e;
            }
            group.failed(e);
            // There will be room for the group when the jobs are gone.
            queue.read(name, this::consumeWithoutGroup);
            outage.recovered();
            LockSupport.parkNanos(RETRY_FULL_NANOS);
        }
    }

    /** Settles what is in the stream. Another worker may do the same; whoever settles second finds nothing due. */
    private void consumeWithoutGroup(Reader reader) {
        List<Job> jobs = reader.readWithoutGroup("-", batchSize);
        while (!jobs.isEmpty() && !stopping) {
            process(reader, jobs);
            jobs = reader.readWithoutGroup(jobs.getLast().entryId(), batchSize);
        }
    }

    /** From a thread of its own: a worker in the middle of a long batch is not dead. */
    private void sendHeartbeats() {
        while (heartbeats == Thread.currentThread()) {
            try {
                workers.heartbeat(name, startedAt, settled);
                heartbeat.recovered();
            } catch (RuntimeException e) {
                // Without an answer, reading fails, too, and says so.
                if (RedisProblem.isReply(e)) {
                    heartbeat.failed(e);
                }
            }
            LockSupport.parkNanos(HEARTBEAT.toNanos());
        }
    }

    /** Waits until the current batch is settled and acknowledged, for 20 seconds at most. */
    void stop(@Observes ShutdownEvent event) {
        stopping = true;
        try {
            if (running.tryLock(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                running.unlock();
            } else {
                LOG.warnf("The batch has not ended after %d s: its jobs are left to others", STOP_TIMEOUT.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void consume(Reader reader) {
        Pending pending = new Pending();
        long claimedNanos = System.nanoTime() - CLAIM_NANOS;
        while (!stopping) {
            if (!pending.continuePass() && System.nanoTime() - claimedNanos >= CLAIM_NANOS) {
                reader.keepAlive();
                if (claimAbandoned(reader) > pending.held.size()) {
                    pending.readAgain();
                }
                claimedNanos = System.nanoTime();
            }
            if (pending.continuePass()) {
                processPending(reader, pending);
            }
            List<Job> jobs = reader.readNew(batchSize, pending.untilDue(config.block()));
            pending.hold(process(reader, jobs));
            outage.recovered();
            linger(jobs.size());
        }
        // Most jobs are held for milliseconds, and other workers would get them only after some seconds.
        long endNanos = System.nanoTime() + HELD_AT_STOP_NANOS;
        while (!pending.held.isEmpty() && System.nanoTime() - endNanos < 0) {
            LockSupport.parkNanos(RETRY_NANOS_MIN);
            pending.readAgain();
            while (pending.cursor != null) {
                processPending(reader, pending);
            }
        }
    }

    private void processPending(Reader reader, Pending pending) {
        List<Job> jobs = reader.readPending(pending.cursor, batchSize);
        pending.held.addAll(process(reader, jobs));
        pending.advance(jobs);
    }

    private int claimAbandoned(Reader reader) {
        Duration idle = config.claimAfter();
        try {
            int held =
                    reader.claimAbandoned(config.batchSize(), DEAD_AFTER.compareTo(idle) < 0 ? DEAD_AFTER : idle, idle);
            claims.recovered();
            return held;
        } catch (RuntimeException e) {
            if (!RedisProblem.isReply(e) || RedisProblem.isMissing(e)) {
                throw e;
            }
            claims.failed(e);
            return 0;
        }
    }

    /** When this consumer reads its pending entries again, and from where. */
    private static final class Pending {
        /** The last entry read in this pass. At first, those delivered to this consumer before it ended. */
        private String cursor = "0";

        /** The entries that cannot be settled yet, because another transaction holds their order or an item. */
        private final Set<String> held = new HashSet<>();

        private long pauseNanos = RETRY_NANOS_MIN;
        private long dueNanos;

        /** Starts a new pass when it is time to try the held jobs again. Returns whether a pass is under way. */
        boolean continuePass() {
            if (cursor == null && !held.isEmpty() && System.nanoTime() - dueNanos >= 0) {
                readAgain();
            }
            return cursor != null;
        }

        void readAgain() {
            cursor = "0";
            held.clear();
        }

        /** Continues after these entries. When there are none left, the pass is over. */
        void advance(List<Job> read) {
            cursor = read.isEmpty() ? null : read.getLast().entryId();
            if (cursor == null) {
                pauseNanos = held.isEmpty() ? RETRY_NANOS_MIN : Math.min(2 * pauseNanos, RETRY_NANOS_MAX);
                dueNanos = System.nanoTime() + pauseNanos;
            }
        }

        void hold(List<String> entryIds) {
            if (held.isEmpty()) {
                dueNanos = System.nanoTime() + pauseNanos;
            }
            held.addAll(entryIds);
        }

        /** How long a read of new entries may block, at most {@code max}. */
        Duration untilDue(Duration max) {
            if (cursor != null) {
                return Duration.ZERO;
            }
            Duration rest = Duration.ofNanos(dueNanos - System.nanoTime());
            return held.isEmpty() || rest.compareTo(max) > 0 ? max : rest.isPositive() ? rest : Duration.ZERO;
        }
    }

    /** Settles and acknowledges jobs. Returns the entries that stay pending. */
    private List<String> process(Reader reader, List<Job> jobs) {
        Set<Long> held = new HashSet<>();
        traces.trace(jobs, () -> settle(jobs, held));
        Map<Boolean, List<Job>> isHeld =
                jobs.stream().collect(Collectors.partitioningBy(job -> held.contains(job.orderId())));
        // Only after the commit, so that an acknowledged job cannot be lost.
        reader.acknowledge(isHeld.get(false));
        return isHeld.get(true).stream().map(Job::entryId).toList();
    }

    /**
     * Under load, waits a moment before the next read, so that more jobs share a batch: much of a batch's cost does not
     * depend on its size. The pause grows with the size of the last batch.
     */
    private void linger(int jobs) {
        if (jobs >= LINGER_MIN_JOBS && jobs < batchSize) {
            LockSupport.parkNanos(Math.min(jobs * LINGER_NANOS_PER_JOB, LINGER_NANOS_MAX));
        }
    }

    private void settle(List<Job> jobs, Set<Long> held) {
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
            int settledNow = settleOrders(orderIds, held);
            batchSize = Math.min(2 * batchSize, config.batchSize());
            LOG.debugf(
                    "Settled %d of %d orders in %d ms",
                    settledNow,
                    orderIds.size(),
                    Duration.ofNanos(System.nanoTime() - started).toMillis());
        } catch (RuntimeException e) {
            batchSize = Math.max(1, orderIds.size() / 2);
            throw e;
        }
    }

    /**
     * Settles orders in one transaction. If that fails for a reason that may lie in one of them (bad data, or a bug),
     * settles each half in its own, and so on down to the order that fails alone.
     *
     * @param held gets the orders that stay due because they are held
     * @return the number of orders settled
     */
    private int settleOrders(List<Long> orderIds, Set<Long> held) {
        try {
            SettleStock.Result result = settleStock.settle(orderIds);
            settled += result.settled();
            held.addAll(result.held());
            return result.settled();
        } catch (RuntimeException e) {
            DatabaseFailure failure = DatabaseFailure.of(e);
            if (failure.isTransient() || failure == DatabaseFailure.SCHEMA) {
                throw e;
            }
            if (orderIds.size() == 1) {
                recordFailure(orderIds.getFirst(), e);
                return 0;
            }
            LOG.debugf(e, "A batch of %d orders failed: settling its halves", orderIds.size());
        }
        int middle = orderIds.size() / 2;
        return settleOrders(orderIds.subList(0, middle), held)
                + settleOrders(orderIds.subList(middle, orderIds.size()), held);
    }

    /** The job is acknowledged afterwards: the reconciler sends it again when its next attempt is due. */
    private void recordFailure(long orderId, RuntimeException failure) {
        MDC.put("order_id", orderId);
        try {
            int attempts = failedJobs.record(orderId, failure);
            LOG.errorf(
                    failure,
                    Backoff.isExhausted(attempts)
                            ? "Dead: order %d cannot be settled, attempt %d"
                            : "Order %d cannot be settled, attempt %d",
                    orderId,
                    attempts);
        } finally {
            MDC.remove("order_id");
        }
    }
}
