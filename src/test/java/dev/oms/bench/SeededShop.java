package dev.oms.bench;

import dev.oms.bench.Load.Caller;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The seeded users and items, whose ids are consecutive.
 *
 * @param items number of items, rounded down to an even number
 */
record SeededShop(long firstUser, int users, long firstItem, int items) {
    static SeededShop of(BenchmarkServers servers) {
        SeededShop shop = new SeededShop(
                servers.number("select min(id) from users"),
                (int) servers.number("select count(*) from users"),
                servers.number("select id from inventory_items where name = 'item_1'"),
                (int) servers.number("select count(*) / 2 * 2 from inventory_items where name like 'item\\_%'"));
        if (servers.number("select max(id) from users") != shop.firstUser + shop.users - 1
                || servers.number("select id from inventory_items where name = 'item_%d'".formatted(shop.items))
                        != shop.firstItem + shop.items - 1) {
            throw new IllegalStateException("The seeded ids are not consecutive: " + shop);
        }
        return shop;
    }

    long anyUser() {
        return firstUser + ThreadLocalRandom.current().nextInt(users);
    }

    /** A random item, as the number in its name, which is also its position in the sequence of ids. */
    int anyItem() {
        return 1 + ThreadLocalRandom.current().nextInt(items);
    }

    /** A random item other than the given one. */
    int anyOther(int item) {
        return 1 + (item + ThreadLocalRandom.current().nextInt(items - 1)) % items;
    }

    long itemId(int item) {
        return firstItem + item - 1;
    }

    /** Places orders of two lines. */
    Caller placingOrders(int port) throws IOException {
        return placingOrders(port, "", false);
    }

    /** Places orders of two lines, each with an idempotency key of its own. */
    Caller placingOrdersWithKeys(int port) throws IOException {
        return placingOrders(port, "", true);
    }

    /** @param headers of every request, each with its line break */
    Caller placingOrders(int port, String headers, boolean keyed) throws IOException {
        return new HttpCaller(new HttpConnection(port, headers)) {
            @Override
            public long call() throws IOException {
                return placedAt(place(http, keyed ? "Idempotency-Key: " + UUID.randomUUID() + "\r\n" : ""));
            }
        };
    }

    /** Places orders of two lines, and waits until they are settled. */
    Caller placingOrdersAndWaiting(int port) throws IOException {
        return new HttpCaller(new HttpConnection(port, "Prefer: wait=30\r\n")) {
            @Override
            public long call() throws IOException {
                String head = place(http, "");
                if (!HttpConnection.header(head, "ETag").equals("\"1\"")) {
                    throw new IOException("The order is not settled: " + head);
                }
                return placedAt(head);
            }
        };
    }

    private String place(HttpConnection http, String headers) throws IOException {
        int item = anyItem();
        return http.post(
                "/orders?user_id=" + anyUser(),
                "{\"order\":{\"items\":{\"item_" + item + "\":1,\"item_" + anyOther(item) + "\":2}}}",
                headers);
    }

    private static long placedAt(String head) throws IOException {
        String location = HttpConnection.header(head, "Location");
        return Long.parseLong(location.substring(location.lastIndexOf('/') + 1));
    }

    /** Sends a call that waits in vain until an order changes, and leaves it at that. */
    static Socket waiting(int port, long order) throws IOException {
        Socket socket = new Socket("localhost", port);
        socket.getOutputStream()
                .write("GET /orders/%d HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=30\r\nIf-None-Match: *\r\n\r\n"
                        .formatted(order)
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    /** Reads random orders with ids from 1 to {@code orders}. */
    static Caller readingOrders(int port, int orders) throws IOException {
        return readingOrders(port, "", orders);
    }

    /** @param headers of every request, each with its line break */
    static Caller readingOrders(int port, String headers, int orders) throws IOException {
        return new HttpCaller(new HttpConnection(port, headers)) {
            @Override
            public long call() throws IOException {
                long id = 1 + ThreadLocalRandom.current().nextInt(orders);
                http.get("/orders/" + id);
                return id;
            }
        };
    }

    /** Reads the newest 10 of random users' orders. */
    Caller listingOrders(int port) throws IOException {
        return new HttpCaller(new HttpConnection(port)) {
            @Override
            public long call() throws IOException {
                long user = anyUser();
                http.get("/users/" + user + "/orders?limit=10");
                return user;
            }
        };
    }

    private abstract static class HttpCaller implements Caller {
        final HttpConnection http;

        HttpCaller(HttpConnection http) {
            this.http = http;
        }

        @Override
        public void close() throws IOException {
            http.close();
        }
    }
}
