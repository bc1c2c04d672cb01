package dev.oms.order;

import dev.oms.access.Scopes;
import dev.oms.http.Page;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;

/** {@code /users/{user_id}/orders}: the same list as {@code /orders?user_id=}. */
@RunOnVirtualThread
@Path("/users/{user_id}/orders")
class UserOrdersResource {
    private final OrderResource orders;

    UserOrdersResource(OrderResource orders) {
        this.orders = orders;
    }

    @GET
    @PermissionsAllowed(Scopes.ORDERS_READ)
    public Response list(
            @PathParam("user_id") long userId,
            @QueryParam("status") OrderStatus status,
            @BeanParam Page page,
            UriInfo uri) {
        return orders.list(userId, status, page, uri);
    }
}
