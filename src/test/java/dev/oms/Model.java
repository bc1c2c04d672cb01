package dev.oms;

import dev.oms.order.OrderStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What the service promises, without database, queue or concurrency. Its methods return the expected HTTP status. */
final class Model {
    /** Each movement is {@code kind delta quantity_after}, the latest first. */
    static final class Item {
        final String name;
        final List<String> movements = new ArrayList<>();
        long quantity;
        boolean isOnSale = true;
        boolean isOrdered;

        Item(String name, long quantity) {
            this.name = name;
            move("OPENING", quantity);
        }

        private void move(String kind, long delta) {
            quantity += delta;
            movements.addFirst(kind + " " + delta + " " + quantity);
        }
    }

    static final class Order {
        final Map<Item, Long> lines;
        OrderStatus status = OrderStatus.Pending;
        String due = "DEDUCTION";

        Order(Map<Item, Long> lines) {
            this.lines = lines;
        }
    }

    final List<Item> items = new ArrayList<>();
    final List<Order> orders = new ArrayList<>();

    /** The item on sale under a name, or null. */
    Item onSale(String name) {
        return items.stream()
                .filter(item -> item.isOnSale && item.name.equals(name))
                .findFirst()
                .orElse(null);
    }

    int add(String name, long quantity) {
        return onSale(name) == null && items.add(new Item(name, quantity)) ? 201 : 422;
    }

    int correct(Item item, long quantity) {
        if (item == null) {
            return 404;
        }
        if (quantity != item.quantity) {
            item.move("CORRECTION", quantity - item.quantity);
        }
        return 200;
    }

    int archive(Item item) {
        if (item == null) {
            return 404;
        }
        item.isOnSale = false;
        return 204;
    }

    int place(boolean isUserKnown, Map<String, Long> quantities) {
        if (quantities.keySet().stream().anyMatch(name -> onSale(name) == null)) {
            return 422;
        }
        if (!isUserKnown) {
            return 404;
        }
        Map<Item, Long> lines = new HashMap<>();
        quantities.forEach((name, quantity) -> lines.put(onSale(name), quantity));
        lines.keySet().forEach(item -> item.isOrdered = true);
        orders.add(new Order(lines));
        return 201;
    }

    int cancel(Order order) {
        if (order == null) {
            return 404;
        }
        switch (order.status) {
            case Delivered -> {
                return 409;
            }
            case Pending, Received, Rejected -> order.due = null;
            case Confirmed, OutForDelivery -> order.due = "RESTORATION";
            case Cancelled -> {}
        }
        order.status = OrderStatus.Cancelled;
        return 200;
    }

    int change(Order order, OrderStatus next) {
        if (order == null) {
            return 404;
        }
        if (next == OrderStatus.Cancelled) {
            return cancel(order);
        }
        boolean isLegal =
                switch (order.status + " " + next) {
                    case "Pending Received",
                            "Confirmed OutForDelivery",
                            "Confirmed Delivered",
                            "OutForDelivery Delivered" -> true;
                    default -> next == order.status;
                };
        order.status = isLegal ? next : order.status;
        return isLegal ? 200 : 409;
    }

    /** Settles the orders of a batch that have something due, in the order of placement, each all lines or none. */
    void settle(List<Order> batch) {
        for (Order order : orders) {
            if (!batch.contains(order) || order.due == null) {
                continue;
            }
            boolean isDeduction = order.due.equals("DEDUCTION");
            order.due = null;
            if (isDeduction
                    && order.lines.entrySet().stream().anyMatch(line -> line.getKey().quantity < line.getValue())) {
                order.status = OrderStatus.Rejected;
                continue;
            }
            order.status = isDeduction ? OrderStatus.Confirmed : OrderStatus.Cancelled;
            order.lines.forEach((item, quantity) ->
                    item.move(isDeduction ? "DEDUCTION" : "RESTORATION", isDeduction ? -quantity : quantity));
        }
    }

    /** The lines of an order by item name, as the client sees them. */
    static Map<String, Long> view(Order order) {
        Map<String, Long> view = new TreeMap<>();
        order.lines.forEach((item, quantity) -> view.put(item.name, quantity));
        return view;
    }
}
