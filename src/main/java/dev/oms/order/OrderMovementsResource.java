package dev.oms.order;

import dev.oms.access.Callers;
import dev.oms.access.Scopes;
import dev.oms.inventory.StockMovements;
import dev.oms.inventory.StockMovements.OrderMovementView;
import io.quarkus.security.PermissionsAllowed;
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
    private final Callers callers;

    OrderMovementsResource(Orders orders, StockMovements movements, Callers callers) {
        this.callers = callers;
        this.orders = orders;
        this.movements = movements;
    }

    // Not paged: the number of items in an order is limited.
    @GET
    @PermissionsAllowed(Scopes.ORDERS_READ)
    public List<OrderMovementView> list(@PathParam("id") long id) {
        orders.require(id, callers.current());
        return movements.ofOrder(id);
    }
}
