package dev.oms.order;

import dev.oms.inventory.StockMovements;
import dev.oms.inventory.StockMovements.OrderMovementView;
import io.quarkus.resteasy.reactive.server.EndpointDisabled;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import java.util.List;

/** {@code /orders/{id}/movements}: an order's lines of the ledger. */
@Path("/orders/{id}/movements")
@EndpointDisabled(name = "oms.api", stringValue = "off")
class OrderMovementsResource {
    private final Orders orders;
    private final StockMovements movements;

    OrderMovementsResource(Orders orders, StockMovements movements) {
        this.orders = orders;
        this.movements = movements;
    }

    // All of them: an order has so many items at most.
    @GET
    public List<OrderMovementView> list(@PathParam("id") long id) {
        List<OrderMovementView> rows = movements.ofOrder(id);
        if (rows.isEmpty()) {
            orders.get(id);
        }
        return rows;
    }
}
