import { Configuration, OrdersApi } from './client';

// Places an order with the generated client, waits until it is settled, and prints what became of it. Arguments: the address of
// OMS, the id of a user, the name of an item.
declare const process: { argv: string[] };

async function placeOrder(address: string, userId: number, item: string): Promise<void> {
  const orders = new OrdersApi(new Configuration({ basePath: address }));

  let order = await orders.placeOrder({ userId, placeOrderRequest: { items: { [item]: 2 } } });
  for (let i = 0; i < 300 && order.status === 'Pending'; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    order = await orders.getOrder({ id: order.id });
  }
  const [movement] = await orders.listMovementsOfOrder({ id: order.id });

  console.log(`Order ${order.id} is ${order.status}: ${movement?.item} ${movement?.delta}, reason ${movement?.reason}`);
}

const [address, userId, item] = process.argv.slice(2);
void placeOrder(address!, Number(userId), item!);
