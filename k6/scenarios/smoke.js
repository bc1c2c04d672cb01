// Does it work at all: one person, and every kind of call, on a user and an item of its own. Needs no seed data.
//
//   k6 run k6/scenarios/smoke.js

import { check, sleep } from 'k6';
import { NO_CONTENT, OK, bodyOf, call, createItem, createUser, list, place, quantityOf } from '../lib/client.js';
import { optionsOf } from '../lib/options.js';
import { callOff, deliver, settle } from '../lib/people.js';
import { summary } from '../lib/report.js';

export { drainAndAudit as teardown } from '../lib/ending.js';
export const handleSummary = summary('smoke');

const STOCK = 5;
const RESTORED_WITHIN_SECONDS = 20;

export const options = optionsOf(
  { smoke: { executor: 'shared-iterations', exec: 'smoke', iterations: 1 } },
  // Much: it may be the first that a process is asked.
  { 'http_req_duration{scenario:smoke}': ['p(95)<2000'] },
);

export function smoke() {
  const user = createUser();
  const item = createItem(STOCK);

  const sold = order(user, { [item.name]: 3 }, 'Confirmed');
  const refused = order(user, { [item.name]: 3 }, 'Rejected');
  list(`/orders?user_id=${user}`, 10, ({ user_id }) => user_id === user);
  list(`/users/${user}/orders?status=Rejected`, 10, ({ id }) => id === refused);
  callOff(sold);
  callOff(refused);
  // The order is Cancelled at once, its stock is back a little later.
  for (let i = 0; i < RESTORED_WITHIN_SECONDS && quantityOf(item.id) !== STOCK; i++) {
    sleep(1);
  }
  deliver(order(user, { [item.name]: 1 }, 'Confirmed'));

  /** @type {{ delta: number }[]} */
  const movements = bodyOf(call('movements', 'GET', `/inventory_items/${item.id}/movements`, OK));
  check(movements, {
    'smoke: one of five units is gone': () => quantityOf(item.id) === STOCK - 1,
    'smoke: by the ledger, too': () => movements.reduce((sum, { delta }) => sum + delta, 0) === STOCK - 1,
  });
  // Taken off sale, its ledger stays.
  call('remove', 'DELETE', `/inventory_items/${item.id}`, NO_CONTENT);
}

/**
 * The id of an order that ends as it must.
 * @param {number} user
 * @param {import('../lib/client.js').Items} items
 * @param {string} status
 */
function order(user, items, status) {
  const id = place(user, items) || 0;
  check(settle(id), { [`smoke: ${status}`]: (settled) => settled === status });
  return id;
}
