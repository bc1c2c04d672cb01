package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.fault.Clients.State;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** OMS as in production: a web process and two worker processes, with their own PostgreSQL and Redis. */
final class Cluster implements AutoCloseable {
    /** Makes the workers recover lost jobs within seconds rather than minutes. */
    private static final Map<String, String> FAST = Map.of(
            "OMS_JOB_CONSUMER_CLAIM_AFTER", "2s",
            "OMS_JOB_RECONCILER_EVERY", "1s",
            "OMS_JOB_RECONCILER_GRACE", "2s");

    /** Settled orders whose version is too high or too low: each settlement and each cancel adds 1. */
    private static final String SETTLED_TWICE = """
            select 'order ' || o.id || ' is ' || o.status || ' in version ' || o.version || ' with ' || count(m.id)
                || ' movements'
            from orders o left join stock_movements m on m.order_id = o.id
            where o.due is null and o.id > %d
            group by o.id
            having case
                when o.status in ('Confirmed', 'Rejected') then o.version <> 1
                when o.status = 'Cancelled' and count(m.id) > 0 then o.version <> 3
                when o.status = 'Cancelled' then o.version not in (1, 2)
                else true end""";

    /** What a test does to servers or processes while clients place orders. */
    interface Fault {
        void happen(Clients clients) throws Exception;
    }

    private final Servers servers;
    private final OmsProcess web;
    private final List<OmsProcess> workers;

    Cluster(Servers servers, String prefix, Map<String, String> settings) throws IOException {
        this(servers, prefix, settings, List.of(Map.of(), Map.of()));
    }

    /** @param workerSettings more settings of each worker */
    Cluster(Servers servers, String prefix, Map<String, String> settings, List<Map<String, String>> workerSettings)
            throws IOException {
        this.servers = servers;
        Map<String, String> environment = new HashMap<>(servers.settings());
        environment.putAll(settings);
        this.web = new OmsProcess(prefix + "web", "prod", environment);
        // Not for web: its own reconciler would hide jobs that the workers do not find.
        environment.putAll(FAST);
        this.workers = new ArrayList<>();
        for (Map<String, String> own : workerSettings) {
            Map<String, String> all = new HashMap<>(environment);
            all.putAll(own);
            workers.add(new OmsProcess(prefix + "worker-" + (workers.size() + 1), "worker", all));
        }
    }

    Servers servers() {
        return servers;
    }

    OmsProcess web() {
        return web;
    }

    List<OmsProcess> workers() {
        return workers;
    }

    /** Starts the processes that are not running, and waits until all are ready. */
    void startAll() throws IOException {
        List<OmsProcess> all = new ArrayList<>(workers);
        all.addFirst(web);
        for (OmsProcess process : all) {
            process.start();
        }
        all.forEach(OmsProcess::awaitReady);
    }

    /** Sends SIGKILL to both workers. */
    void killWorkers() {
        workers.forEach(OmsProcess::kill);
    }

    /** Waits until at least this many orders have stock due. */
    void awaitBacklog(int orders) {
        await().alias("a backlog of " + orders)
                .atMost(Duration.ofSeconds(180))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> servers.ledger().count("orders where due is not null") >= orders);
    }

    /** A condition that holds for an order locked by a running transaction, until that transaction commits. */
    String changingOrder() {
        return servers.ledger().texts("""
                select 'orders where id = ' || id || ' and version = ' || version from orders
                where due is not null and id not in (select id from orders where due is not null for update skip locked)
                order by id""").getFirst();
    }

    /** Waits until the transaction of {@link #changingOrder} has committed. */
    void awaitChanged(String changingOrder) {
        await().alias(changingOrder + " is settled")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(5))
                .until(() -> servers.ledger().count(changingOrder) == 0);
    }

    long lastOrder() {
        return Long.parseLong(servers.ledger()
                .texts("select coalesce(max(id), 0) from orders")
                .getFirst());
    }

    /** The ids of the orders that have stock due, up to {@code last}. */
    List<String> dueOrders(long last) {
        return servers.ledger().texts("select id from orders where due is not null and id <= " + last);
    }

    /** Waits until no order up to {@code last} has stock due. A cancel may make it due again, but only once. */
    void awaitSettled(long last) {
        await().alias("orders up to " + last + " are settled")
                .atMost(Duration.ofSeconds(120))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> dueOrders(last).isEmpty());
    }

    /** Runs a fault under load, and then verifies that every order and every unit of stock is accounted for. */
    void underLoad(String what, Random random, Fault fault) throws Exception {
        startAll();
        long lastBefore = lastOrder();
        long started = System.nanoTime();
        try (Clients clients = new Clients(web, random)) {
            clients.awaitAccepted(50);
            fault.happen(clients);
            clients.awaitAccepted(50);
            clients.stop();
            verify(clients, lastBefore);
            System.out.printf(
                    "fault: %s: %s, in %d s%n",
                    what, clients, Duration.ofNanos(System.nanoTime() - started).toSeconds());
        }
    }

    /**
     * Asserts that every accepted order has an outcome, none was settled twice, and every quantity is accounted for.
     */
    private void verify(Clients clients, long lastBefore) throws Exception {
        Ledger ledger = servers.ledger();
        ledger.awaitSettled();
        assertThat(clients.unexpected()).isEmpty();
        assertThat(contradictions(clients.accepted())).isEmpty();
        assertThat(ledger.count("orders where user_id = " + clients.user())
                        - clients.accepted().size())
                .as("orders without a response to their client")
                .isBetween(0L, clients.inDoubt());
        ledger.assertConsistent();
        assertThat(ledger.texts(SETTLED_TWICE.formatted(lastBefore))).isEmpty();
        assertThat(web.audit()).contains("\"status\":\"Complete\"", "\"discrepancies\":[],\"count\":0");
        // An entry that is never removed would hold back the reconciler's watermark.
        await().alias("the stream is empty")
                .atMost(Duration.ofSeconds(60))
                .until(() -> servers.streams().depth() == 0);
    }

    /** Orders whose status contradicts the responses that their clients got. */
    private List<String> contradictions(Map<Long, State> accepted) {
        Map<Long, String> statuses = new HashMap<>();
        servers.ledger()
                .texts("select id || ' ' || status from orders")
                .forEach(row -> statuses.put(
                        Long.valueOf(row.substring(0, row.indexOf(' '))), row.substring(row.indexOf(' ') + 1)));
        List<String> contradictions = new ArrayList<>();
        accepted.forEach((id, expected) -> {
            String status = statuses.getOrDefault(id, "lost");
            boolean agrees =
                    switch (status) {
                        case "Confirmed", "Rejected" -> expected != State.CANCELLED;
                        case "Cancelled" -> expected != State.PLACED;
                        default -> false;
                    };
            if (!agrees) {
                contradictions.add("order %d is %s, but its client expects %s".formatted(id, status, expected));
            }
        });
        return contradictions;
    }

    @Override
    public void close() {
        workers.forEach(OmsProcess::close);
        web.close();
    }
}
