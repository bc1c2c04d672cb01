// Does it work at all? One VU makes every kind of call, with its own user and item. Needs no seed data.
//
//   k6 run k6/scenarios/smoke.js

import { check, sleep } from 'k6';
import { NO_CONTENT, OK, jsonBody, call, createItem, createUser, list, place, quantityOf } from '../lib/client.js';
import { buildOptions } from '../lib/options.js';
import { awaitSettled, cancelForGood, deliver } from '../lib/workload.js';
import { summary } from '../lib/report.js';

export { drainAndAudit as teardown } from '../lib/teardown.js';
export const handleSummary = summary('smoke');

const STOCK = 5;
const RESTORED_WITHIN_SECONDS = 20;

export const options = buildOptions(
  { smoke: { executor: 'shared-iterations', exec: 'smoke', iterations: 1 } },
  // Generous, because these may be the first requests a process gets.
  { 'http_req_duration{scenario:smoke}': ['p(95)<2000'] },
);

export function smoke() {
  const user = createUser();
  const item = createItem(STOCK);

  const confirmed = orderAndAwait(user, { [item.name]: 3 }, 'Confirmed');
  const rejected = orderAndAwait(user, { [item.name]: 3 }, 'Rejected');
  list(`/orders?user_id=${user}`, 100, ({ user_id }) => user_id === user);
  list(`/users/${user}/orders?status=Rejected`, 100, ({ id }) => id === rejected);
  cancelForGood(confirmed);
  cancelForGood(rejected);
  // The order is Cancelled at once; its stock is restored a little later.
  for (let i = 0; i < RESTORED_WITHIN_SECONDS && quantityOf(item.id) !== STOCK; i++) {
    sleep(1);
  }
  deliver(orderAndAwait(user, { [item.name]: 1 }, 'Confirmed'));

  /** @type {{ delta: number }[]} */
  const movements = jsonBody(call('movements', 'GET', `/inventory_items/${item.id}/movements`, OK));
  check(movements, {
    'smoke: one of five units is sold': () => quantityOf(item.id) === STOCK - 1,
    'smoke: the ledger agrees': () => movements.reduce((sum, { delta }) => sum + delta, 0) === STOCK - 1,
  });
  // Archives the item; its ledger remains.
  call('remove', 'DELETE', `/inventory_items/${item.id}`, NO_CONTENT);
}

/**
 * Places an order and checks the status it settles in. Returns its id.
 * @param {number} user
 * @param {import('../lib/client.js').Items} items
 * @param {string} status
 */
function orderAndAwait(user, items, status) {
  const id = place(user, items) || 0;
  check(awaitSettled(id), { [`smoke: ${status}`]: (settled) => settled === status });
  return id;
}
