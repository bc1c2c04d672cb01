import { Configuration, OrdersApi } from './client';

// Places an order with the generated client, which waits until it is settled, and prints what became of it. Arguments: the address of
// OMS, the id of a user, the name of an item.
declare const process: { argv: string[] };

async function placeOrder(address: string, userId: number, item: string): Promise<void> {
  const orders = new OrdersApi(new Configuration({ basePath: address }));

  const order = await orders.placeOrder({ userId, placeOrderRequest: { items: { [item]: 2 } }, prefer: 'wait=30' });
  const [movement] = await orders.listMovementsOfOrder({ id: order.id });

  console.log(`Order ${order.id} is ${order.status}: ${movement?.item} ${movement?.delta}, reason ${movement?.reason}`);
}

const [address, userId, item] = process.argv.slice(2);
void placeOrder(address!, Number(userId), item!);
