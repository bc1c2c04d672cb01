package dev.oms.bench;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Streams;
import dev.oms.embedded.EmbeddedServers;
import io.vertx.redis.client.Command;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.postgresql.ds.PGSimpleDataSource;

/** PostgreSQL, as durable as it is by default, and Redis, with the orders that a measurement needs. */
final class Books implements AutoCloseable {
    /** What each item opens with: nothing is ever sold out. */
    private static final long OPENING = 1_000_000_000;

    /** Whoever has not settled a backlog by then never will. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private static final List<String> DURABLE = List.of("fsync", "synchronous_commit", "full_page_writes");

    // track_commit_timestamp: since when an order is confirmed for everybody.
    private final EmbeddedServers servers = EmbeddedServers.start(Map.of(
            "fsync", "on", "synchronous_commit", "on", "full_page_writes", "on", "track_commit_timestamp", "on"));
    private final Streams streams = new Streams(servers.settings().get("OMS_REDIS_URL"));
    private final PGSimpleDataSource dataSource = OmsServers.dataSource(servers.settings());
    private final Ledger ledger = new Ledger(dataSource);

    /** @throws IllegalStateException when a commit would not be on the disk */
    Books() {
        dataSource.setReWriteBatchedInserts(true);
        for (String setting : DURABLE) {
            if (!ledger.texts("show " + setting).equals(List.of("on"))) {
                throw new IllegalStateException(
                        "PostgreSQL has " + setting + " off: its figures would be worth nothing");
            }
        }
    }

    Map<String, String> settings() {
        return servers.settings();
    }

    Ledger ledger() {
        return ledger;
    }

    /** A connection of one's own. */
    Connection connect() throws SQLException {
        return dataSource.getConnection();
    }

    /** A number that a query gives. */
    long number(String query) {
        return Long.parseLong(ledger.texts(query).getFirst());
    }

    /**
     * Begins anew with so many orders, all of them confirmed, and a ledger that says so. Nobody else may be at work.
     *
     * @return how long it took
     */
    Duration fill(int orders) throws SQLException {
        long started = System.nanoTime();
        Shop shop = Shop.of(this);
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("set statement_timeout = 0");
            // No foreign key is asked, as when a backup is restored.
            statement.execute("set session_replication_role = replica");
            statement.execute("truncate orders, stock_movements, order_events, failed_jobs restart identity cascade");
            statement.execute("""
                    insert into stock_movements (inventory_item_id, kind, delta, quantity_after, created_at)
                    select id, 'OPENING', %d, %1$d, now() from inventory_items order by id""".formatted(OPENING));
            long opened = number("select count(*) from inventory_items");
            // One line of each half of the items, so that how often an item was sold before an order is known.
            statement.execute("""
                    insert into orders (id, user_id, status, enqueued_at, version, created_at, updated_at)
                    select n, %d + n %% %d, 'Confirmed', now(), 1, now(), now() from generate_series(1, %d) n
                    """.formatted(shop.firstUser(), shop.users(), orders));
            statement.execute("""
                    insert into order_lines (order_id, inventory_item_id, quantity)
                    select 1 + m / 2, %d + (1 + m / 2) %% %d + m %% 2 * %2$d, 1 from generate_series(0, 2 * %d - 1) m
                    """.formatted(shop.firstItem(), shop.items() / 2, orders));
            statement.execute("""
                    insert into stock_movements
                        (id, inventory_item_id, order_id, kind, delta, quantity_after, created_at)
                    select %d + 1 + m, %d + (1 + m / 2) %% %d + m %% 2 * %3$d, 1 + m / 2, 'DEDUCTION', -1,
                        %d - (m / 2 + %3$d) / %3$d, now()
                    from generate_series(0, 2 * %d - 1) m
                    """.formatted(opened, shop.firstItem(), shop.items() / 2, OPENING, orders));
            statement.execute("""
                    insert into order_events (order_id, version, event, actor, created_at)
                    select n, 1, 'Confirmed', 'worker', now() from generate_series(1, %d) n""".formatted(orders));
            statement.execute("""
                    update inventory_items i set quantity = m.quantity from (
                        select inventory_item_id, sum(delta) quantity from stock_movements group by inventory_item_id) m
                    where i.id = m.inventory_item_id""");
            statement.execute("select setval(pg_get_serial_sequence('orders', 'id'), %d)".formatted(orders));
            statement.execute("select setval(pg_get_serial_sequence('stock_movements', 'id'), %d)"
                    .formatted(opened + 2L * orders));
            statement.execute("vacuum analyze");
            statement.execute("checkpoint");
        }
        return Duration.ofNanos(System.nanoTime() - started);
    }

    /**
     * Lets orders wait that no worker knows of yet: {@link #send} tells.
     *
     * @param lines what they are of: one select of order_id, inventory_item_id and quantity, from "placed"
     */
    void backlog(int orders, String lines) {
        Shop shop = Shop.of(this);
        // Till it is sent, its jobs must not count as lost.
        ledger.execute("""
                with placed as (
                    insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
                    select %d + (random() * %d)::int, 'Pending', 'DEDUCTION', now() + interval '1 hour', now(), now()
                    from generate_series(1, %d)
                    returning id)
                insert into order_lines (order_id, inventory_item_id, quantity) %s
                """.formatted(shop.firstUser(), shop.users() - 1, orders, lines));
    }

    /** Gives the jobs of all orders that wait to the workers, all at once: none has them before this returns. */
    void send() {
        List<Object> arguments = new ArrayList<>(List.of(
                "for _, id in ipairs(ARGV) do redis.call('XADD', KEYS[1], '*', 'order_id', id) end", 1, Streams.JOBS));
        arguments.addAll(ledger.texts("select id from orders where due is not null order by id"));
        streams.redis(Command.EVAL, arguments.toArray());
    }

    /** How many jobs wait. */
    long depth() {
        return streams.depth();
    }

    /** Waits until no job waits. */
    void awaitEmpty() throws InterruptedException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (depth() > 0) {
            if (System.nanoTime() > until) {
                throw new IllegalStateException("%d jobs are not settled".formatted(depth()));
            }
            Thread.sleep(20);
        }
    }

    /** Waits until no order waits, and no worker has anything to do. */
    void awaitSettled() throws InterruptedException {
        awaitEmpty();
        ledger.awaitSettled();
    }

    /** Waits until so many workers wait for jobs. */
    void awaitWorkers(int workers) throws InterruptedException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (waitingWorkers() < workers) {
            if (System.nanoTime() > until) {
                throw new IllegalStateException("There are no %d workers".formatted(workers));
            }
            Thread.sleep(100);
        }
    }

    /** Those whom Redis lets wait for their next job. */
    private long waitingWorkers() {
        return streams.redis(Command.CLIENT, "LIST")
                .toString()
                .lines()
                .filter(client -> client.contains(" flags=b ") && client.contains(" cmd=xreadgroup "))
                .count();
    }

    @Override
    public void close() {
        streams.close();
        servers.stop();
    }
}
