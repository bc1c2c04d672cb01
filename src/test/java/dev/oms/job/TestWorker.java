package dev.oms.job;

import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Workers for tests whose application has none: in a hurry, so that a test need not wait long. */
@ApplicationScoped
class TestWorker {
    private static final Duration SOON = Duration.ofMillis(200);

    private final InventoryJobQueue queue;
    private final SettleStock settleStock;
    private final FailedJobs failedJobs;
    private final Workers workers;
    private final JobTraces traces;
    private final AgroalDataSource dataSource;

    TestWorker(
            InventoryJobQueue queue,
            SettleStock settleStock,
            FailedJobs failedJobs,
            Workers workers,
            JobTraces traces,
            AgroalDataSource dataSource) {
        this.queue = queue;
        this.settleStock = settleStock;
        this.failedJobs = failedJobs;
        this.workers = workers;
        this.traces = traces;
        this.dataSource = dataSource;
    }

    /** A consumer that runs again whenever it has ended, and a reconciler, until it is closed. */
    Running start(String name) {
        return new Running(consumer(name), reconciler());
    }

    private InventoryJobReconciler reconciler() {
        return new InventoryJobReconciler(
                queue, workers, failedJobs, dataSource, new Hurry(), Clock.systemUTC(), new SimpleMeterRegistry());
    }

    private InventoryJobConsumer consumer(String name) {
        return new InventoryJobConsumer(
                queue, settleStock, failedJobs, workers, traces, Clock.systemUTC(), new Hurry().consumer(), name);
    }

    static final class Running implements AutoCloseable {
        private final InventoryJobConsumer consumer;
        private final Thread consuming;
        private final Thread reconciling;
        private volatile boolean stopping;

        private Running(InventoryJobConsumer consumer, InventoryJobReconciler reconciler) {
            this.consumer = consumer;
            this.consuming = Thread.ofVirtual().start(() -> repeat(consumer::run));
            this.reconciling = Thread.ofVirtual().start(() -> repeat(reconciler::run));
        }

        private void repeat(Runnable run) {
            while (!stopping) {
                run.run();
                LockSupport.parkNanos(SOON.toNanos());
            }
        }

        @Override
        public void close() {
            stopping = true;
            consumer.stop(null);
            try {
                consuming.join();
                reconciling.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    record Hurry() implements JobConfig {
        @Override
        public Consumer consumer() {
            return new Consuming("1s", 50, Duration.ofMillis(100), SOON);
        }

        @Override
        public Reconciler reconciler() {
            return new Reconciling("1s", SOON, 100);
        }

        @Override
        public Gauges gauges() {
            return () -> "off";
        }
    }

    private record Consuming(String every, int batchSize, Duration block, Duration claimAfter)
            implements JobConfig.Consumer {}

    private record Reconciling(String every, Duration grace, int pageSize) implements JobConfig.Reconciler {}
}
