package dev.oms.bench;

import dev.oms.bench.Load.Caller;
import java.io.IOException;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Who orders what: the seeded users and items, whose ids are in a row.
 *
 * @param items how many; an even number
 */
record Shop(long firstUser, int users, long firstItem, int items) {
    static Shop of(Books books) {
        Shop shop = new Shop(
                books.number("select min(id) from users"),
                (int) books.number("select count(*) from users"),
                books.number("select id from inventory_items where name = 'item_1'"),
                (int) books.number("select count(*) / 2 * 2 from inventory_items where name like 'item\\_%'"));
        if (books.number("select max(id) from users") != shop.firstUser + shop.users - 1
                || books.number("select id from inventory_items where name = 'item_%d'".formatted(shop.items))
                        != shop.firstItem + shop.items - 1) {
            throw new IllegalStateException("The seeded ids are not in a row: " + shop);
        }
        return shop;
    }

    long anyUser() {
        return firstUser + ThreadLocalRandom.current().nextInt(users);
    }

    /** The number in its name, and of its id in the row. */
    int anyItem() {
        return 1 + ThreadLocalRandom.current().nextInt(items);
    }

    /** Any other. */
    int anyOther(int item) {
        return 1 + (item + ThreadLocalRandom.current().nextInt(items - 1)) % items;
    }

    long itemId(int item) {
        return firstItem + item - 1;
    }

    /** Places orders of two lines. */
    Caller placing(int port) throws IOException {
        return new Visitor(new HttpConnection(port)) {
            @Override
            public long call() throws IOException {
                int item = anyItem();
                String head = http.post(
                        "/orders?user_id=" + anyUser(),
                        "{\"order\":{\"items\":{\"item_" + item + "\":1,\"item_" + anyOther(item) + "\":2}}}");
                String location = HttpConnection.header(head, "Location");
                return Long.parseLong(location.substring(location.lastIndexOf('/') + 1));
            }
        };
    }

    /** Looks at orders from 1 up to one. */
    static Caller following(int port, int orders) throws IOException {
        return new Visitor(new HttpConnection(port)) {
            @Override
            public long call() throws IOException {
                long id = 1 + ThreadLocalRandom.current().nextInt(orders);
                http.get("/orders/" + id);
                return id;
            }
        };
    }

    /** Looks at the first page of users' orders. */
    Caller listing(int port) throws IOException {
        return new Visitor(new HttpConnection(port)) {
            @Override
            public long call() throws IOException {
                long user = anyUser();
                http.get("/users/" + user + "/orders");
                return user;
            }
        };
    }

    private abstract static class Visitor implements Caller {
        final HttpConnection http;

        Visitor(HttpConnection http) {
            this.http = http;
        }

        @Override
        public void close() throws IOException {
            http.close();
        }
    }
}
