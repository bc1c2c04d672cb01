package dev.oms.order;

import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The orders there are, with their lines. */
@ApplicationScoped
public class Orders implements PanacheRepository<Order> {
    /** @throws ProblemException 404 when there is no such order */
    Order get(long id) {
        return known(id, findById(id));
    }

    /**
     * The same, locked until the transaction ends: a consumer that settles it waits, or has been waited for.
     *
     * @throws ProblemException also 412 when it is at another version than expected
     */
    Order lock(long id, IfMatch expected) {
        Order order = known(id, findById(id, LockModeType.PESSIMISTIC_WRITE));
        expected.require("order", id, order.version());
        return order;
    }

    /** The same, if there is such an order. */
    Optional<Order> lockOptional(long id) {
        return findByIdOptional(id, LockModeType.PESSIMISTIC_WRITE);
    }

    private static Order known(long id, Order order) {
        if (order == null) {
            throw ProblemException.unknown("order", id);
        }
        return order;
    }

    /** Orders, newest first, of one user or of all, in one status or in any. */
    List<OrderView> list(Long userId, OrderStatus status, Long after, int rows) {
        StringBuilder query = new StringBuilder("id < :after");
        Map<String, Object> parameters = new HashMap<>();
        parameters.put("after", after == null ? Long.MAX_VALUE : after);
        if (userId != null) {
            query.append(" and userId = :user");
            parameters.put("user", userId);
        }
        if (status != null) {
            query.append(" and status = :status");
            parameters.put("status", status);
        }
        List<Order> orders = find(query.toString(), Sort.descending("id"), parameters)
                .range(0, rows - 1)
                .list();
        Map<Long, Map<String, Long>> items =
                itemsOf(orders.stream().map(Order::id).toList());
        return orders.stream()
                .map(order -> OrderView.of(order, items.getOrDefault(order.id(), Map.of())))
                .toList();
    }

    /** An order with its lines. */
    OrderView view(Order order) {
        return OrderView.of(order, itemsOf(List.of(order.id())).getOrDefault(order.id(), Map.of()));
    }

    private Map<Long, Map<String, Long>> itemsOf(Collection<Long> ids) {
        Map<Long, Map<String, Long>> items = new HashMap<>();
        if (ids.isEmpty()) {
            return items;
        }
        getEntityManager()
                .createQuery("""
                        select l.orderId, i.name, l.quantity
                        from OrderLine l join InventoryItem i on i.id = l.inventoryItemId
                        where l.orderId in :ids""", Object[].class)
                .setParameter("ids", ids)
                .getResultStream()
                // Two items share a name when one was archived and another renamed: the client counts by name.
                .forEach(row -> items.computeIfAbsent((Long) row[0], id -> new TreeMap<>())
                        .merge((String) row[1], (Long) row[2], Long::sum));
        return items;
    }
}
