package dev.oms.start;

import io.agroal.api.AgroalDataSource;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Sample data to try OMS on: 10,000 users, 50,000 items and five popular ones, and 10,000 orders waiting for the
 * consumer. Written in one transaction, without events; existing rows are left unchanged, and orders are added only if
 * there are none.
 */
@ApplicationScoped
public class SeedData {
    private static final Logger LOG = Logger.getLogger(SeedData.class);

    /**
     * "OMSS": processes that start at the same time seed once. The release before has another lock, and may seed orders
     * twice.
     */
    private static final String LOCK = "select pg_advisory_xact_lock(x'4F4D5353'::int, hashtext(current_schema()))";

    private static final String USERS = """
            insert into users (name, email, phone, created_at, updated_at)
            select 'User ' || n, 'user_' || n || '@example.com', lpad(n::text, 10, '0'), now(), now()
            from generate_series(1, 10000) n
            on conflict do nothing""";

    private static final String ITEMS = """
            with item as (
                insert into inventory_items (name, quantity, threshold, created_at, updated_at)
                select name, quantity, 50, now(), now() from (
                    select unnest(array['burger', 'fries', 'pizza', 'soda', 'salad']), 1000000
                    union all
                    select 'item_' || n, 200 from generate_series(1, 50000) n) seed (name, quantity)
                on conflict do nothing
                returning id, quantity)
            insert into stock_movements (inventory_item_id, kind, delta, quantity_after, actor, created_at)
            select id, 'OPENING', quantity, quantity, 'seed', now() from item""";

    // One to three lines each: a popular item, then items scattered by a multiplication. No job is sent: the reconciler
    // finds these orders, because they look as if their jobs had been sent in 1970.
    private static final String ORDERS = """
            with placed as (
                insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
                select u.id, 'Pending', 'DEDUCTION', to_timestamp(0), now(), now()
                from generate_series(1, 10000) n join users u on u.email = 'user_' || n || '@example.com'
                where not exists (select 1 from orders)
                order by n
                returning id),
            numbered as (select id, row_number() over (order by id) n from placed),
            line as (
                select id, n, (array['burger', 'fries', 'pizza', 'soda', 'salad'])[1 + n % 5] name from numbered
                union all
                select id, n + 1, 'item_' || 1 + n * 7919 % 50000 from numbered where n % 3 > 0
                union all
                select id, n + 2, 'item_' || 1 + (n * 7919 + 25000) % 50000 from numbered where n % 3 > 1)
            insert into order_lines (order_id, inventory_item_id, quantity, item_name)
            select line.id, i.id, 1 + line.n % 3, i.name
            from line join inventory_items i on i.name = line.name and i.archived_at is null""";

    private final AgroalDataSource dataSource;
    private final boolean enabled;

    SeedData(AgroalDataSource dataSource, @ConfigProperty(name = "oms.seed") boolean enabled) {
        this.dataSource = dataSource;
        this.enabled = enabled;
    }

    void onStart(@Observes StartupEvent event) {
        if (enabled) {
            seed();
        }
    }

    /** Writes the sample data that is missing. */
    public void seed() {
        QuarkusTransaction.requiringNew().run(() -> {
            try (Connection connection = dataSource.getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute(LOCK);
                insert(statement, "users", USERS);
                insert(statement, "inventory items", ITEMS);
                insert(statement, "order lines", ORDERS);
            } catch (SQLException e) {
                throw new IllegalStateException("The seed data cannot be written", e);
            }
        });
    }

    private static void insert(Statement statement, String what, String sql) throws SQLException {
        long started = System.nanoTime();
        int rows = statement.executeUpdate(sql);
        LOG.infof(
                "Seeded %d %s in %d ms",
                rows, what, Duration.ofNanos(System.nanoTime() - started).toMillis());
    }
}
