package dev.oms.rails;

import dev.oms.Ledger;
import dev.oms.start.MigratedDatabases;
import org.postgresql.ds.PGSimpleDataSource;

/** A database as the Rails service has it: every column nullable, no name unique, times without a zone. */
final class RailsShop extends Ledger {
    private static final String TABLES = """
            create table users (id bigserial primary key, name varchar, email varchar, phone varchar,
                created_at timestamp(6), updated_at timestamp(6));
            create table inventory_items (id bigserial primary key, name varchar, quantity integer, threshold integer,
                created_at timestamp(6), updated_at timestamp(6));
            create table orders (id bigserial primary key, user_id bigint, status varchar, items jsonb,
                created_at timestamp(6), updated_at timestamp(6));
            create table schema_migrations (version varchar)""";

    // Every thousandth user, item and order is one that cannot be carried over.
    private static final String FILL = """
            insert into users (name, email, phone, created_at, updated_at)
            select case when n %% 1000 > 0 then 'User ' || n end, 'user_' || n || '@example.com', lpad(n::text, 10, '0'),
                timestamp '2025-01-01' + n * interval '1 s', timestamp '2025-01-01' + n * interval '1 s'
            from generate_series(1, %1$d) n;
            insert into inventory_items (name, quantity, threshold, created_at, updated_at)
            select 'item_' || n, case when n %% 1000 > 0 then 200 else -1 end, 50, timestamp '2025-01-01', timestamp '2025-01-01'
            from generate_series(1, %2$d) n;
            insert into orders (user_id, status, items, created_at, updated_at)
            select 1 + n %% %1$d, (array['Pending', 'Received', 'Confirmed', 'Confirmed', 'OutForDelivery', 'Delivered',
                    'Delivered', 'Delivered', 'Rejected', 'Cancelled'])[1 + n %% 10],
                jsonb_build_object('item_' || 1 + n * 7919 %% %2$d, 1 + n %% 3, 'item_' || 1 + n %% 5, (1 + n %% 2)::text),
                timestamp '2025-02-01' + n * interval '1 s', timestamp '2025-02-01' + n * interval '2 s'
            from generate_series(1, %3$d) n""";

    private final PGSimpleDataSource dataSource;

    private RailsShop(PGSimpleDataSource dataSource) {
        super(dataSource);
        this.dataSource = dataSource;
    }

    static RailsShop create() {
        return create(MigratedDatabases.createEmpty());
    }

    /** One that checks no bytes, as a server that was set up without a locale creates it. */
    static RailsShop createWithoutEncoding() {
        return create(MigratedDatabases.createWithoutEncoding());
    }

    private static RailsShop create(PGSimpleDataSource dataSource) {
        RailsShop shop = new RailsShop(dataSource);
        shop.execute(TABLES);
        return shop;
    }

    void fill(int users, int items, int orders) {
        execute(FILL.formatted(users, items, orders));
        execute("analyze");
    }

    String url() {
        return dataSource.getURL();
    }

    void user(long id) {
        execute(
                "insert into users values (%1$d, 'User %1$d', 'u%1$d@example.com', '%1$010d', '2025-01-01 10:00:00.123456', '2025-01-02')"
                        .formatted(id));
    }

    void item(long id, String name, Integer quantity) {
        execute("insert into inventory_items values (%d, %s, %d, 5, '2025-01-01 10:00:00', '2025-01-02')"
                .formatted(id, name == null ? null : "'" + name + "'", quantity));
    }

    /** @param items JSON, or null */
    void order(long id, Long user, String status, String items) {
        execute("insert into orders values (%d, %d, %s, %s, '2025-02-01 10:00:00.123456', '2025-02-02')"
                .formatted(
                        id,
                        user,
                        status == null ? null : "'" + status + "'",
                        items == null ? null : "'" + items + "'"));
    }
}
