// A flash sale: 1,000 buyers per second compete for 500 units of one item, and exactly 500 get one. Needs no seed data.
//
//   k6 run k6/scenarios/spike.js
//
// RATE (1000) buyers per second for DURATION (10s). VUS (500) limits the buyers waiting for a response. OMS may turn buyers
// away with 503, but must not lose an order that it has accepted.

import { Counter, Gauge } from 'k6/metrics';
import {
  NO_CONTENT,
  OK,
  jsonBody,
  call,
  createItem,
  createUser,
  expectOverload,
  ordersSettled,
  place,
  placedToSettled,
  quantityOf,
} from '../lib/client.js';
import { drainAndAudit } from '../lib/teardown.js';
import { buildOptions, durationSeconds, integerSetting, taggedBySlice } from '../lib/options.js';
import { summary } from '../lib/report.js';

const UNITS = 500;
const USERS = 100; // few enough to read all their orders at the end
const PAGE_ROWS = 100;
const RATE = integerSetting('RATE', 1000);
const SECONDS = durationSeconds('10s');

if (RATE * SECONDS < 2 * UNITS) {
  throw new Error(`RATE × DURATION must be at least ${2 * UNITS} buyers, not ${RATE * SECONDS}`);
}

expectOverload();

const unitsSold = new Gauge('units_sold');
const unitsLeft = new Gauge('units_left');
const ordersUndecided = new Gauge('orders_undecided');
const ordersLost = new Counter('orders_lost');

export const handleSummary = summary('spike', SECONDS);

export const options = buildOptions(
  {
    sale: {
      executor: 'constant-arrival-rate',
      exec: 'buy',
      rate: RATE,
      duration: `${SECONDS}s`,
      preAllocatedVUs: integerSetting('VUS', 500),
    },
  },
  {
    // What a buyer tolerates, even if 500 of them are waiting for one small machine.
    'http_req_duration{name:place}': ['p(95)<5000'],
    placed_to_settled: ['p(95)<10000'],
    units_sold: [`value==${UNITS}`],
    units_left: ['value==0'],
    orders_undecided: ['value==0'],
    // Negative if an order was placed but its response got lost.
    orders_lost: ['count<=0'],
  },
);

export function setup() {
  return { item: createItem(UNITS), users: Array.from({ length: USERS }, createUser) };
}

/** @typedef {ReturnType<typeof setup>} Sale */

export const buy = taggedBySlice((/** @type {Sale} */ { item, users }) => {
  if (place(users[Math.floor(Math.random() * USERS)], { [item.name]: 1 })) {
    ordersLost.add(1); // taken back in teardown, if the order is found
  }
});

/** @param {Sale} sale */
export function teardown({ item, users }) {
  drainAndAudit();
  /** @type {Record<string, number>} */
  const count = { Confirmed: 0, Rejected: 0 };
  let found = 0;
  for (const user of users) {
    for (const { status, created_at, updated_at } of ordersOf(user)) {
      found++;
      if (status in count) {
        count[status]++;
        ordersSettled.add(1, { status });
        placedToSettled.add(Date.parse(updated_at) - Date.parse(created_at));
      }
    }
  }
  unitsSold.add(count.Confirmed);
  unitsLeft.add(quantityOf(item.id));
  ordersUndecided.add(found - count.Confirmed - count.Rejected);
  ordersLost.add(-found);
  // Archives the item; its ledger remains.
  call('remove', 'DELETE', `/inventory_items/${item.id}`, NO_CONTENT);
}

/**
 * @param {number} user
 * @returns {import('../lib/client.js').Order[]}
 */
function ordersOf(user) {
  const orders = [];
  let path = `/users/${user}/orders?limit=${PAGE_ROWS}`;
  for (;;) {
    const page = jsonBody(call('count', 'GET', path, OK));
    orders.push(...page);
    if (page.length < PAGE_ROWS) {
      return orders;
    }
    path = `/users/${user}/orders?limit=${PAGE_ROWS}&after=${page[page.length - 1].id}`;
  }
}
