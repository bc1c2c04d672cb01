package dev.oms.order;

import dev.oms.access.Scopes;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import java.util.List;
import java.util.stream.Stream;

/** {@code /order_statuses}: the statuses that a client may set from each status. */
@RunOnVirtualThread
@Path("/order_statuses")
class OrderStatusResource {
    /** A status on the wire. */
    @RegisterForReflection
    record OrderStatusView(OrderStatus status, List<OrderStatus> allowed) {}

    @GET
    @PermissionsAllowed(Scopes.ORDERS_READ)
    public List<OrderStatusView> list() {
        return Stream.of(OrderStatus.values())
                .map(status -> new OrderStatusView(status, status.allowed()))
                .toList();
    }
}
