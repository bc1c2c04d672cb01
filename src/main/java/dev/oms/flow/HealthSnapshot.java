package dev.oms.flow;

import dev.oms.flow.FlowBuckets.Bucket;
import dev.oms.http.RedisProblem;
import dev.oms.job.Workers.Reconciliation;
import dev.oms.job.Workers.Worker;
import java.time.Instant;
import java.util.List;

/**
 * The state of Redis and PostgreSQL at one moment.
 *
 * @param at when it was taken
 * @param redis null if Redis did not answer in time
 * @param redisProblem why workers cannot use Redis, although it may answer; null if they can
 * @param postgres null if PostgreSQL did not answer in time
 */
record HealthSnapshot(Instant at, RedisHealth redis, RedisProblem redisProblem, PostgresHealth postgres) {
    /**
     * What Redis reports.
     *
     * @param depth the number of jobs in the stream
     * @param oldestAgeSeconds how long the oldest job has been in the stream
     * @param history orders placed and settled in the last {@link FlowBuckets#COUNT} complete buckets
     */
    record RedisHealth(
            long depth,
            long oldestAgeSeconds,
            List<Worker> workers,
            Reconciliation lastReconciliation,
            List<Bucket> history) {
        long inFlight() {
            return workers.stream().mapToLong(Worker::inFlight).sum();
        }
    }

    /**
     * What PostgreSQL reports.
     *
     * @param failed the number of failed jobs that will be retried
     * @param dead the number of jobs whose retries are exhausted
     * @param lowStock the number of items on sale below their threshold
     */
    record PostgresHealth(long failed, long dead, long lowStock) {}
}
