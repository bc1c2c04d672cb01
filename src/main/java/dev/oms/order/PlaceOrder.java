package dev.oms.order;

import dev.oms.http.Constraints;
import dev.oms.http.Problem.FieldError;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import dev.oms.inventory.InventoryItems;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.persistence.EntityManager;
import jakarta.persistence.PersistenceException;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Accepts an order: the order, its lines and what is due commit together, or nothing does. */
@ApplicationScoped
class PlaceOrder {
    private static final Pattern PRINTABLE = Pattern.compile(Texts.PRINTABLE);

    private final Orders orders;
    private final InventoryItems items;
    private final EntityManager entityManager;
    private final Event<StockDue> stockDue;
    private final Clock clock;

    PlaceOrder(
            Orders orders, InventoryItems items, EntityManager entityManager, Event<StockDue> stockDue, Clock clock) {
        this.orders = orders;
        this.items = items;
        this.entityManager = entityManager;
        this.stockDue = stockDue;
        this.clock = clock;
    }

    /**
     * Places an order.
     *
     * @param quantities how many of what, by name; at least one item, each at least once
     * @throws ProblemException 404 when there is no such user, 422 when there are no such items
     */
    @Transactional
    Order place(long userId, Map<String, Long> quantities) {
        Map<String, Long> ids = idsOf(quantities);
        Order order = new Order(userId, clock.instant());
        try {
            orders.persist(order);
            quantities.forEach(
                    (name, quantity) -> entityManager.persist(new OrderLine(order.id(), ids.get(name), quantity)));
            orders.flush();
        } catch (PersistenceException e) {
            throw switch (Constraints.brokenBy(e)) {
                case "orders_user_id_fkey" -> ProblemException.unknown("user", userId);
                // Deleted since its id was read.
                case "order_lines_inventory_item_id_fkey" ->
                    ProblemException.invalid("items", "names an item that was just deleted");
                default -> e;
            };
        }
        stockDue.fire(new StockDue(order.id()));
        return order;
    }

    private Map<String, Long> idsOf(Map<String, Long> quantities) {
        // What no item can be called is not asked for: PostgreSQL could not even be told of some of it.
        List<String> names = quantities.keySet().stream()
                .filter(name -> name.length() <= Texts.NAME_MAX
                        && PRINTABLE.matcher(name).matches())
                .toList();
        Map<String, Long> ids = names.isEmpty() ? Map.of() : items.idsByName(names);
        List<FieldError> unknown = quantities.keySet().stream()
                .filter(name -> !ids.containsKey(name))
                .map(name -> new FieldError("items." + Texts.shorten(name, 100), "is not an item on sale"))
                .toList();
        if (!unknown.isEmpty()) {
            throw ProblemException.invalid(unknown);
        }
        return ids;
    }
}
