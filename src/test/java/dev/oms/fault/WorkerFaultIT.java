package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Workers killed or stopped, duplicate jobs, and an order that cannot be settled. */
@Tag("full")
@ExtendWith(FaultSuite.class)
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class WorkerFaultIT {
    @Test
    void survivesTheLossOfOneOfTwoWorkersMidBatch(Cluster cluster, Random random) throws Exception {
        int kills = FaultSuite.KILLS;

        cluster.underLoad(kills + " × SIGKILL of one of two workers, mid-batch", random, clients -> {
            for (int i = 0; i < kills; i++) {
                // Three times out of four within a transaction, otherwise at a random moment.
                if (i % 4 != 0) {
                    try (ItemLock lock = new ItemLock(cluster)) {
                        lock.awaitBlockedWorker().kill();
                    }
                } else {
                    Thread.sleep(random.nextInt(300));
                    cluster.workers().get(random.nextInt(2)).kill();
                }
                cluster.startAll();
                clients.awaitAccepted(random.nextInt(40));
            }
        });
    }

    @Test
    void finishesItsBatchWhenItIsStopped(Cluster cluster, Random random) throws Exception {
        int stops = 3;

        cluster.underLoad(stops + " × SIGTERM of both workers", random, clients -> {
            for (int i = 0; i < stops; i++) {
                clients.awaitAccepted(20 + random.nextInt(100));
                for (OmsProcess worker : cluster.workers()) {
                    worker.stop();
                }
                assertThat(cluster.servers().pendingOrders())
                        .as("orders of pending jobs")
                        .isEmpty();
                cluster.startAll();
            }
        });
    }

    @Test
    void oneWorkerSettlesTheBacklogOfTwo(Cluster cluster, Random random) throws Exception {
        int backlog = 5_000;
        int times = 3;

        cluster.underLoad(times + " × SIGKILL of both workers, backlog of 5,000, then start one", random, clients -> {
            for (int i = 0; i < times; i++) {
                cluster.startAll();
                clients.rush();
                clients.awaitAccepted(100 + random.nextInt(100));
                cluster.killWorkers();
                cluster.awaitBacklog(backlog);
                clients.calmDown();

                OmsProcess one = cluster.workers().get(random.nextInt(2));
                one.start();

                cluster.awaitSettled(cluster.lastOrder());
            }
        });
    }

    /** A commit that waits for a standby that does not exist has happened, but the worker does not know it. */
    @Test
    void survivesTheLossOfAWorkerBetweenCommitAndAck(Cluster cluster, Random random) throws Exception {
        int kills = 5;

        cluster.underLoad(kills + " × SIGKILL between commit and ack", random, clients -> {
            for (int i = 0; i < kills; i++) {
                boolean killed = false;
                while (!killed) {
                    killed = killAfterCommit(cluster);
                }
                cluster.startAll();
                clients.awaitAccepted(random.nextInt(100));
            }
        });
    }

    /**
     * Returns false if the worker's lock_timeout expired first. That happens if the worker waits for a lock of a client
     * whose commit is held too.
     */
    private static boolean killAfterCommit(Cluster cluster) throws Exception {
        try {
            OmsProcess worker;
            try (ItemLock lock = new ItemLock(cluster)) {
                worker = lock.awaitBlockedWorker();
                cluster.servers().holdCommits();
            }
            boolean held = cluster.servers().isCommitHeld(worker.name(), Duration.ofSeconds(5));
            if (held) {
                worker.kill();
            }
            return held;
        } finally {
            cluster.servers().releaseCommits();
        }
    }

    /** Redis may still read what the worker has sent once it resumes, so all, some or none of the ack takes effect. */
    @Test
    void survivesTheLossOfAWorkerDuringItsAck(Cluster cluster, Random random) throws Exception {
        int kills = 5;

        cluster.underLoad(kills + " × SIGKILL during the ack, Redis paused", random, clients -> {
            for (int i = 0; i < kills; i++) {
                OmsProcess worker;
                String order;
                try {
                    try (ItemLock lock = new ItemLock(cluster)) {
                        worker = lock.awaitBlockedWorker();
                        order = cluster.changingOrder();
                        cluster.servers().pauseRedis();
                    }
                    cluster.awaitChanged(order);
                    worker.kill();
                } finally {
                    cluster.servers().resumeRedis();
                }
                cluster.startAll();
                clients.awaitAccepted(random.nextInt(100));
            }
        });
    }

    @Test
    void settlesOrdersOnceWhenJobsAreDeliveredTenTimes(Cluster cluster, Random random) throws Exception {
        int orders = 1_000;
        int copies = 10;

        cluster.underLoad("each stream entry delivered 10 times, shuffled, 1,000 orders", random, clients -> {
            clients.rush();
            cluster.killWorkers();
            cluster.awaitBacklog(orders);
            clients.calmDown();
            List<String> jobs = new ArrayList<>();
            for (int copy = 1; copy < copies; copy++) {
                jobs.addAll(cluster.servers().streams().orderIds());
            }
            assertThat(jobs).hasSizeGreaterThanOrEqualTo((copies - 1) * orders);
            Collections.shuffle(jobs, random);
            cluster.servers().sendJobs(jobs);

            cluster.startAll();

            cluster.awaitSettled(cluster.lastOrder());
        });
    }

    @Test
    void aPoisonOrderDoesNotHoldUpOthers(Cluster cluster, Random random) throws Exception {
        int batch = 500;

        cluster.underLoad("1 poison order in a batch of 500", random, clients -> {
            cluster.killWorkers();
            clients.rush();
            cluster.awaitBacklog(batch / 2);
            long poison = clients.placeOne();
            // Stock that was never deducted cannot be restored.
            cluster.servers().ledger().execute("update orders set due = 'RESTORATION' where id = " + poison);
            cluster.awaitBacklog(batch);
            clients.calmDown();
            long last = cluster.lastOrder();

            cluster.workers().get(random.nextInt(2)).start();

            await().alias("all orders but the poison one are settled")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> cluster.dueOrders(last).equals(List.of(Long.toString(poison))));
            clients.cancelOne(poison);
        });
    }

    @Test
    void settlesTheOthersWhileARowIsHeld(Cluster cluster, Random random) throws Exception {
        cluster.underLoad("an order's row, then an item's row held beside running settling", random, clients -> {
            cluster.killWorkers();
            long order = clients.placeOne();
            long item = Long.parseLong(cluster.servers()
                    .ledger()
                    .texts("select inventory_item_id from order_lines where order_id = " + order)
                    .getFirst());

            try (Connection connection = hold(cluster, "orders", order)) {
                cluster.startAll();
                clients.awaitAccepted(100);
                long last = cluster.lastOrder();
                await().alias("all orders but the held one are settled")
                        .atMost(Duration.ofSeconds(120))
                        .until(() -> cluster.dueOrders(last).equals(List.of(Long.toString(order))));
                connection.rollback();
            }
            try (Connection connection = hold(cluster, "inventory_items", item)) {
                clients.awaitAccepted(200);
                long last = cluster.lastOrder();
                await().alias("all orders without the held item are settled")
                        .atMost(Duration.ofSeconds(120))
                        .until(() -> cluster.servers().ledger().count("""
                                        orders o where due is not null and id <= %d and not exists (
                                            select from order_lines l
                                            where l.order_id = o.id and l.inventory_item_id = %d)
                                        """.formatted(last, item)) == 0);
                connection.rollback();
            }
            cluster.awaitSettled(cluster.lastOrder());
            assertThat(cluster.servers().ledger().count("failed_jobs")).isZero();
        });
    }

    private static Connection hold(Cluster cluster, String table, long id) throws SQLException {
        Connection connection = cluster.servers().connect();
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            // As strong as what the service itself takes. Stronger, it would block placing too.
            statement.execute("select from %s where id = %d for no key update".formatted(table, id));
        }
        return connection;
    }

    /** A disk so slow that a batch runs into statement_timeout. The orders are not at fault. */
    @Test
    void countsNoFailureWhenTheDatabaseIsSlow(Cluster cluster, Random random) throws Exception {
        Ledger ledger = cluster.servers().ledger();

        cluster.underLoad("each settled order takes the database 1 s, until a batch times out", random, clients -> {
            cluster.killWorkers();
            cluster.awaitBacklog(60);
            ledger.execute("""
                    create or replace function sleep_a_second() returns trigger language plpgsql as
                    $$ begin perform pg_sleep(1); return new; end $$;
                    create trigger slow_disk before update of due on orders
                    for each row when (old.due is not null) execute function sleep_a_second()""");
            long before = timeOuts(cluster);
            try {
                cluster.startAll();
                await().alias("a batch runs into its time-out")
                        .atMost(Duration.ofSeconds(120))
                        .until(() -> timeOuts(cluster) > before);
            } finally {
                ledger.execute("create or replace function sleep_a_second() returns trigger language plpgsql as"
                        + " $$ begin return new; end $$");
            }
            cluster.awaitSettled(cluster.lastOrder());
            ledger.execute("drop trigger slow_disk on orders");
            assertThat(ledger.count("failed_jobs")).isZero();
        });
    }

    private static long timeOuts(Cluster cluster) {
        return cluster.workers().stream()
                .mapToLong(worker -> worker.logged("canceling statement due to statement timeout"))
                .sum();
    }

    /** It holds its locks and does not answer, and comes back when others have taken it for dead. */
    @Test
    void survivesAWorkerThatIsStoppedForAWhile(Cluster cluster, Random random) throws Exception {
        int stops = 3;

        cluster.underLoad(stops + " × SIGSTOP of a worker for 10 s, mid-batch", random, clients -> {
            for (int i = 0; i < stops; i++) {
                OmsProcess worker;
                try (ItemLock lock = new ItemLock(cluster)) {
                    worker = lock.awaitBlockedWorker();
                    Child.signal(worker.handle(), "STOP");
                }
                try {
                    clients.awaitAccepted(50);
                    Thread.sleep(10_000);
                    await().alias("its jobs are claimed")
                            .atMost(Duration.ofSeconds(60))
                            .until(() -> cluster.servers().pending(worker) == 0);
                } finally {
                    Child.signal(worker.handle(), "CONT");
                }
                clients.awaitAccepted(random.nextInt(100));
            }
        });
    }

    @Test
    void endsThoughItsDatabaseSessionIsSilent(Cluster cluster, Random random) throws Exception {
        cluster.underLoad("SIGTERM of a worker whose session is stopped by SIGSTOP", random, clients -> {
            OmsProcess worker;
            ProcessHandle session;
            try (ItemLock lock = new ItemLock(cluster)) {
                worker = lock.awaitBlockedWorker();
                session = ProcessHandle.of(Long.parseLong(cluster.servers()
                                .ledger()
                                .texts("select pid from pg_stat_activity where wait_event_type = 'Lock' and "
                                        + "application_name = '" + worker.name() + "'")
                                .getFirst()))
                        .orElseThrow();
                Child.signal(session, "STOP");
            }
            try {
                String givenUp = "The batch has not ended after 20 s";
                long before = worker.logged(givenUp);
                worker.stop();
                // Rather than after 35 s, when the driver gives up the session.
                assertThat(worker.logged(givenUp)).isEqualTo(before + 1);
            } finally {
                Child.signal(session, "CONT");
            }
            cluster.startAll();
        });
    }
}
