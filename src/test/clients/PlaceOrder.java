import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.OrdersApi;
import org.openapitools.client.model.NewOrder;
import org.openapitools.client.model.Order;
import org.openapitools.client.model.OrderMovement;
import org.openapitools.client.model.PlaceOrderRequest;

/**
 * Places an order with the generated client, which waits until it is settled, and prints what became of it. Arguments: the
 * address of OMS, the id of a user, the name of an item.
 */
public final class PlaceOrder {
    public static void main(String[] args) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(args[0]);
        OrdersApi orders = new OrdersApi(client);

        NewOrder wanted = new NewOrder().putItemsItem(args[2], 2L);
        Order order = orders.placeOrder(
                new PlaceOrderRequest(wanted), null, Long.valueOf(args[1]), null, "wait=30");
        List<OrderMovement> movements = orders.listMovementsOfOrder(order.getId());

        System.out.printf(
                "Order %d is %s: %s %d, reason %s%n",
                order.getId(),
                order.getStatus(),
                movements.getFirst().getItem(),
                movements.getFirst().getDelta(),
                movements.getFirst().getReason());
    }
}
