package dev.oms.fault;

import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Streams;
import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Response;
import io.zonky.test.db.postgres.util.LinuxUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionTimeoutException;
import org.postgresql.ds.PGSimpleDataSource;

/** PostgreSQL and Redis, and the faults that tests inject into them. PostgreSQL is durable, as in production. */
final class Servers implements AutoCloseable {
    private final EmbeddedServers servers = EmbeddedServers.start(Map.of("fsync", "on", "synchronous_commit", "on"));
    private final Streams streams = new Streams(servers.settings().get("OMS_REDIS_URL"));
    private final PGSimpleDataSource dataSource = OmsServers.dataSource(servers.settings());
    private final Ledger ledger = new Ledger(dataSource);
    private final Path data;
    private Child restarted;

    Servers() {
        data = Path.of(ledger.texts("show data_directory").getFirst());
    }

    Map<String, String> settings() {
        return servers.settings();
    }

    Ledger ledger() {
        return ledger;
    }

    int postgresPort() {
        return dataSource.getPortNumbers()[0];
    }

    Connection connect() throws SQLException {
        return dataSource.getConnection();
    }

    /** Whether a commit is on disk before it is acknowledged. Without that, a crash would prove nothing. */
    boolean isDurable() {
        return ledger.texts("show fsync").getFirst().equals("on")
                && ledger.texts("show synchronous_commit").getFirst().equals("on")
                && ledger.texts("show full_page_writes").getFirst().equals("on");
    }

    /** An immediate shutdown: PostgreSQL aborts everything and has to recover at its next start. */
    void crashPostgres() throws IOException, InterruptedException {
        ProcessHandle postmaster = postmaster();
        Child.signal(postmaster, "QUIT");
        postmaster.onExit().orTimeout(30, TimeUnit.SECONDS).join();
    }

    private ProcessHandle postmaster() throws IOException {
        return ProcessHandle.of(Long.parseLong(
                        Files.readAllLines(data.resolve("postmaster.pid")).getFirst()))
                .orElseThrow();
    }

    /** Sends SIGSTOP to the process that accepts connections: new ones are not refused, and not answered either. */
    void pausePostmaster() throws IOException, InterruptedException {
        Child.signal(postmaster(), "STOP");
    }

    void resumePostmaster() throws IOException, InterruptedException {
        Child.signal(postmaster(), "CONT");
    }

    /** Starts PostgreSQL with the same options, on the same port, and waits until it has recovered. */
    void restartPostgres() throws IOException {
        // PostgreSQL refuses to run as root. In a user namespace of its own it does not see that it is root.
        String asNobody = LinuxUtils.isUnshareAvailable() ? "unshare -U " : "";
        restarted = Child.start(
                Path.of("target/processes/postgres.log"),
                Map.of(),
                List.of("sh", "-c", "exec " + asNobody + Files.readString(data.resolve("postmaster.opts"))));
        await().alias("PostgreSQL is back, see " + restarted.log())
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(50))
                .ignoreExceptions()
                .until(() -> ledger.texts("select 1").getFirst().equals("1"));
    }

    /**
     * Sends SIGSTOP to idle backends of a process that have placed orders: connections stay open, but are not answered.
     * A backend stopped in the middle of a statement might hold what all others need.
     */
    List<ProcessHandle> pauseBackends(String application, int backends) throws IOException, InterruptedException {
        List<ProcessHandle> paused = new ArrayList<>();
        try {
            await().alias(backends + " idle backends of " + application)
                    .atMost(Duration.ofSeconds(60))
                    .pollInterval(Duration.ofMillis(10))
                    .until(() -> {
                        pauseIdleBackends(application, backends, paused);
                        return paused.size() == backends;
                    });
            return paused;
        } catch (ConditionTimeoutException e) {
            resume(paused);
            throw e;
        }
    }

    private void pauseIdleBackends(String application, int backends, List<ProcessHandle> paused)
            throws IOException, InterruptedException {
        for (String pid : ledger.texts("""
                select pid from pg_stat_activity
                where application_name = '%s' and state = 'idle' and query like '%%insert into orders%%'
                order by state_change desc""".formatted(application))) {
            ProcessHandle backend = ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
            if (paused.size() < backends && !paused.contains(backend)) {
                Child.signal(backend, "STOP");
                if (ledger.count("pg_stat_activity where state = 'idle' and pid = " + pid) == 1) {
                    paused.add(backend);
                } else {
                    Child.signal(backend, "CONT");
                }
            }
        }
    }

    /** Sends SIGSTOP to every process of PostgreSQL. */
    List<ProcessHandle> pausePostgres() throws IOException, InterruptedException {
        ProcessHandle postmaster = postmaster();
        // First, so that it starts no others.
        Child.signal(postmaster, "STOP");
        List<ProcessHandle> paused = new ArrayList<>(postmaster.children().toList());
        for (ProcessHandle child : paused) {
            Child.signal(child, "STOP");
        }
        paused.add(postmaster);
        return paused;
    }

    /** Sends SIGCONT. */
    static void resume(List<ProcessHandle> processes) throws IOException, InterruptedException {
        for (ProcessHandle process : processes) {
            Child.signal(process, "CONT");
        }
    }

    /** Terminates all client sessions except this one, and returns their number. */
    long terminateSessions() {
        // "offset 0" keeps the conditions apart: PostgreSQL may evaluate those of one "where" in any order, and would
        // then terminate this session too.
        return ledger.count("""
                (select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() offset 0)
                session where pg_terminate_backend(pid)""");
    }

    /**
     * From now on a commit is written and flushed, but not acknowledged: it waits for a synchronous standby that does
     * not exist.
     *
     * @see <a href="https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION">synchronous
     *     replication</a>
     */
    void holdCommits() throws InterruptedException {
        ledger.execute("alter system set synchronous_standby_names = 'nobody'");
        ledger.execute("select pg_reload_conf()");
        // It takes effect once the checkpointer has reloaded the configuration. The clients' commits then wait.
        isCommitHeld("", Duration.ofSeconds(10));
    }

    /** Waits for a held commit of a process whose name begins with {@code name}. Returns false after {@code atMost}. */
    boolean isCommitHeld(String name, Duration atMost) throws InterruptedException {
        long until = System.nanoTime() + atMost.toNanos();
        while (ledger.count("pg_stat_activity where wait_event = 'SyncRep' and application_name like '" + name + "%'")
                == 0) {
            if (System.nanoTime() > until) {
                return false;
            }
            Thread.sleep(10);
        }
        return true;
    }

    void releaseCommits() {
        ledger.execute("alter system reset synchronous_standby_names");
        ledger.execute("select pg_reload_conf()");
    }

    /** Sends SIGKILL. */
    void killRedis() {
        Child.end(servers.redisProcess());
    }

    /** Starts a new, empty Redis on the same port. */
    void startRedis() throws IOException {
        servers.startRedis();
    }

    /** Sends SIGSTOP: connections stay open, but are not answered. */
    void pauseRedis() throws IOException, InterruptedException {
        Child.signal(servers.redisProcess(), "STOP");
    }

    void resumeRedis() throws IOException, InterruptedException {
        Child.signal(servers.redisProcess(), "CONT");
    }

    Streams streams() {
        return streams;
    }

    /** The orders of the jobs delivered to a worker and not acknowledged; at most 1,000. */
    List<String> pendingOrders() {
        return streams.redis(Command.XPENDING, Streams.JOBS, "workers", "-", "+", 1_000).stream()
                .map(entry -> entry.get(0).toString())
                .flatMap(id -> streams.redis(Command.XRANGE, Streams.JOBS, id, id).stream())
                .map(entry -> entry.get(1).get(1).toString())
                .toList();
    }

    /** The number of jobs delivered to this worker and not acknowledged, nor claimed by another. */
    long pending(OmsProcess worker) {
        Response consumers =
                streams.redis(Command.XPENDING, Streams.JOBS, "workers").get(3);
        if (consumers != null) {
            for (Response consumer : consumers) {
                if (consumer.get(0).toString().startsWith(worker.handle().pid() + "@")) {
                    return consumer.get(1).toLong();
                }
            }
        }
        return 0;
    }

    /** Sends jobs in the order given. */
    void sendJobs(List<String> orders) {
        List<Object> arguments = new ArrayList<>(List.of(
                "for _, id in ipairs(ARGV) do redis.call('XADD', KEYS[1], '*', 'order_id', id) end", 1, Streams.JOBS));
        arguments.addAll(orders);
        streams.redis(Command.EVAL, arguments.toArray());
    }

    @Override
    public void close() {
        streams.close();
        servers.stop();
        if (restarted != null) {
            restarted.close();
        }
    }
}
