package dev.oms.order;

import dev.oms.inventory.StockMovements;
import dev.oms.inventory.StockMovements.OrderMovementView;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import java.util.List;

/** {@code /orders/{id}/movements}: an order's entries in the ledger. */
@RunOnVirtualThread
@Path("/orders/{id}/movements")
class OrderMovementsResource {
    private final Orders orders;
    private final StockMovements movements;

    OrderMovementsResource(Orders orders, StockMovements movements) {
        this.orders = orders;
        this.movements = movements;
    }

    // Not paged: the number of items in an order is limited.
    @GET
    public List<OrderMovementView> list(@PathParam("id") long id) {
        List<OrderMovementView> rows = movements.ofOrder(id);
        if (rows.isEmpty()) {
            orders.view(id);
        }
        return rows;
    }
}
