package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.fault.Clients.Known;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** OMS as in production: one web, two workers, each a process, on servers of their own. */
final class Cluster implements AutoCloseable {
    /** So that a scenario waits for seconds, not minutes, for what is lost to be found. */
    private static final Map<String, String> FAST = Map.of(
            "OMS_JOB_CONSUMER_CLAIM_AFTER", "2s",
            "OMS_JOB_RECONCILER_EVERY", "1s",
            "OMS_JOB_RECONCILER_GRACE", "2s");

    /** Each settlement of an order counts as one version, and so does a cancel. */
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

    /** Something to be done to the servers or the processes while clients are at it. */
    interface Fault {
        void happen(Clients clients) throws Exception;
    }

    private final Servers servers;
    private final OmsProcess web;
    private final List<OmsProcess> workers;

    Cluster(Servers servers, String prefix, Map<String, String> settings) throws IOException {
        this.servers = servers;
        Map<String, String> environment = new HashMap<>(servers.settings());
        environment.putAll(settings);
        this.web = new OmsProcess(prefix + "web", "prod", environment);
        // Not for web: a reconciler of its own would hide what the workers do not find.
        environment.putAll(FAST);
        this.workers = List.of(
                new OmsProcess(prefix + "worker-1", "worker", environment),
                new OmsProcess(prefix + "worker-2", "worker", environment));
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

    /** Starts whatever is not running, and waits until all of it is ready. */
    void makeWhole() throws IOException {
        List<OmsProcess> all = new ArrayList<>(workers);
        all.addFirst(web);
        for (OmsProcess process : all) {
            process.start();
        }
        all.forEach(OmsProcess::awaitReady);
    }

    /** SIGKILL to both. */
    void killWorkers() {
        workers.forEach(OmsProcess::kill);
    }

    /** Waits until so many orders wait for their stock. */
    void awaitBacklog(int orders) {
        await().alias("a backlog of " + orders)
                .atMost(Duration.ofSeconds(180))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> servers.ledger().count("orders where due is not null") >= orders);
    }

    /** A condition that is true of an order that a transaction is changing, and that ends with that transaction. */
    String changingOrder() {
        return servers.ledger().texts("""
                select 'orders where id = ' || id || ' and version = ' || version from orders
                where due is not null and id not in (select id from orders where due is not null for update skip locked)
                order by id""").getFirst();
    }

    /** Waits until that transaction is committed. */
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

    /** The orders that wait, up to one. */
    List<String> dueOrders(long last) {
        return servers.ledger().texts("select id from orders where due is not null and id <= " + last);
    }

    /** Waits until no order waits, up to one. Its stock may be due again by a cancel, but not for ever. */
    void awaitSettled(long last) {
        await().alias("orders up to " + last + " are settled")
                .atMost(Duration.ofSeconds(120))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> dueOrders(last).isEmpty());
    }

    /** Lets a fault happen under load, and then demands that everything is accounted for. */
    void underLoad(String what, Random random, Fault fault) throws Exception {
        makeWhole();
        long lastBefore = lastOrder();
        long started = System.nanoTime();
        try (Clients clients = new Clients(web, random)) {
            clients.awaitAccepted(50);
            fault.happen(clients);
            clients.awaitAccepted(50);
            clients.leave();
            verify(clients, lastBefore);
            System.out.printf(
                    "fault: %s: %s, in %d s%n",
                    what, clients, Duration.ofNanos(System.nanoTime() - started).toSeconds());
        }
    }

    /** No accepted order is without an outcome, none was settled twice, and every figure is accounted for. */
    private void verify(Clients clients, long lastBefore) throws Exception {
        Ledger ledger = servers.ledger();
        ledger.awaitSettled();
        assertThat(clients.surprises()).isEmpty();
        assertThat(lies(clients.accepted())).isEmpty();
        assertThat(ledger.count("orders where user_id = " + clients.user())
                        - clients.accepted().size())
                .as("orders that their clients were not told of")
                .isBetween(0L, clients.inDoubt());
        ledger.assertConsistent();
        assertThat(ledger.texts(SETTLED_TWICE.formatted(lastBefore))).isEmpty();
        assertThat(web.get("/inventory_items/audit")).isEqualTo("{\"discrepancies\":[],\"count\":0}");
        // An entry that nobody ever takes off would be what the reconciler's watermark waits for.
        await().alias("the stream is empty")
                .atMost(Duration.ofSeconds(60))
                .until(() -> servers.streams().depth() == 0);
    }

    /** Where the orders are not what their clients were told. */
    private List<String> lies(Map<Long, Known> accepted) {
        Map<Long, String> statuses = new HashMap<>();
        servers.ledger()
                .texts("select id || ' ' || status from orders")
                .forEach(row -> statuses.put(
                        Long.valueOf(row.substring(0, row.indexOf(' '))), row.substring(row.indexOf(' ') + 1)));
        List<String> lies = new ArrayList<>();
        accepted.forEach((id, known) -> {
            String status = statuses.getOrDefault(id, "lost");
            boolean agrees =
                    switch (status) {
                        case "Confirmed", "Rejected" -> known != Known.CANCELLED;
                        case "Cancelled" -> known != Known.PLACED;
                        default -> false;
                    };
            if (!agrees) {
                lies.add("order %d is %s, but its client knows it as %s".formatted(id, status, known));
            }
        });
        return lies;
    }

    @Override
    public void close() {
        workers.forEach(OmsProcess::close);
        web.close();
    }
}
