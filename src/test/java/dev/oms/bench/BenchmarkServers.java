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

/** PostgreSQL with its default durability, and Redis, filled with the orders that a measurement needs. */
final class BenchmarkServers implements AutoCloseable {
    /** Opening quantity of every item, large enough that none ever runs out of stock. */
    private static final long OPENING = 1_000_000_000;

    /** A backlog that takes longer to settle is considered stuck. */
    private static final Duration TIMEOUT = Duration.ofMinutes(10);

    private static final List<String> DURABLE = List.of("fsync", "synchronous_commit", "full_page_writes");

    // track_commit_timestamp records when a confirmation became visible to others.
    private final EmbeddedServers servers = EmbeddedServers.start(Map.of(
            "fsync", "on", "synchronous_commit", "on", "full_page_writes", "on", "track_commit_timestamp", "on"));
    private final Streams streams = new Streams(servers.settings().get("OMS_REDIS_URL"));
    private final PGSimpleDataSource dataSource = OmsServers.dataSource(servers.settings());
    private final Ledger ledger = new Ledger(dataSource);

    /** @throws IllegalStateException if PostgreSQL does not flush every commit to disk */
    BenchmarkServers() {
        dataSource.setReWriteBatchedInserts(true);
        for (String setting : DURABLE) {
            if (!ledger.texts("show " + setting).equals(List.of("on"))) {
                throw new IllegalStateException(
                        "PostgreSQL runs with " + setting + " off: its figures would mean nothing");
            }
        }
    }

    Map<String, String> settings() {
        return servers.settings();
    }

    Ledger ledger() {
        return ledger;
    }

    /** A new connection, which the caller closes. */
    Connection connect() throws SQLException {
        return dataSource.getConnection();
    }

    /** The number that a query returns. */
    long number(String query) {
        return Long.parseLong(ledger.texts(query).getFirst());
    }

    /**
     * Replaces all orders with the given number of confirmed ones and a matching ledger. Nothing else may use the
     * database meanwhile.
     *
     * @return the time it took
     */
    Duration fill(int orders) throws SQLException {
        long started = System.nanoTime();
        SeededShop shop = SeededShop.of(this);
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("set statement_timeout = 0");
            // Skips foreign key checks, like restoring a backup does.
            statement.execute("set session_replication_role = replica");
            statement.execute("truncate orders, stock_movements, events, failed_jobs restart identity cascade");
            statement.execute("""
                    insert into stock_movements (inventory_item_id, kind, delta, quantity_after, created_at)
                    select id, 'OPENING', %d, %1$d, now() from inventory_items order by id""".formatted(OPENING));
            long opened = number("select count(*) from inventory_items");
            // One line from each half of the items, so that the running total of every movement can be computed.
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
                    insert into events (subject, subject_id, version, type, actor, created_at)
                    select 'order', n, 1, 'order.confirmed', 'worker', now() from generate_series(1, %d) n""".formatted(orders));
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
     * Adds pending orders whose jobs no worker gets before {@link #send}.
     *
     * @param lines a select of order_id, inventory_item_id and quantity from "placed" that gives their lines
     */
    void backlog(int orders, String lines) {
        SeededShop shop = SeededShop.of(this);
        // In the future, so that the reconciler does not consider the jobs lost before they are sent.
        ledger.execute("""
                with placed as (
                    insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
                    select %d + (random() * %d)::int, 'Pending', 'DEDUCTION', now() + interval '1 hour', now(), now()
                    from generate_series(1, %d)
                    returning id)
                insert into order_lines (order_id, inventory_item_id, quantity) %s
                """.formatted(shop.firstUser(), shop.users() - 1, orders, lines));
    }

    /** Sends the jobs of all orders with something due, in one script: no worker gets any before all are sent. */
    void send() {
        List<Object> arguments = new ArrayList<>(List.of(
                "for _, id in ipairs(ARGV) do redis.call('XADD', KEYS[1], '*', 'order_id', id) end", 1, Streams.JOBS));
        arguments.addAll(ledger.texts("select id from orders where due is not null order by id"));
        streams.redis(Command.EVAL, arguments.toArray());
    }

    /** Number of jobs in the stream. */
    long depth() {
        return streams.depth();
    }

    /** Waits until the stream is empty. */
    void awaitEmpty() throws InterruptedException {
        long until = System.nanoTime() + TIMEOUT.toNanos();
        while (depth() > 0) {
            if (System.nanoTime() > until) {
                throw new IllegalStateException("%d jobs are not settled".formatted(depth()));
            }
            Thread.sleep(20);
        }
    }

    /** Waits until every order is settled and the workers are idle. */
    void awaitSettled() throws InterruptedException {
        awaitEmpty();
        ledger.awaitSettled();
    }

    /** Waits until at least this many workers are waiting for jobs. */
    void awaitWorkers(int workers) throws InterruptedException {
        long until = System.nanoTime() + TIMEOUT.toNanos();
        while (waitingWorkers() < workers) {
            if (System.nanoTime() > until) {
                throw new IllegalStateException("Fewer than %d workers are waiting for jobs".formatted(workers));
            }
            Thread.sleep(100);
        }
    }

    /** Number of clients that are blocked in XREADGROUP. */
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
