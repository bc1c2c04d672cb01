// The simulator: people who place, read, list, cancel and move on orders over the seeded data, all at once.
//
//   k6 run -e VUS=50 -e DURATION=1m k6/load_test.js
//
// VUS (20), DURATION (30s) and BASE_URL (http://localhost:3000) come from the environment. A crossed threshold makes
// k6 exit with a code other than 0.

import http from 'k6/http';
import { check, fail, sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';

const VUS = Number(__ENV.VUS || 20);
const DURATION = __ENV.DURATION || '30s';
const BASE_URL = (__ENV.BASE_URL || 'http://localhost:3000').replace(/\/+$/, '');

// What the seed puts into a fresh database.
const USERS = 10000;
const SEEDED_ORDERS = 10000;
const SEEDED_ITEMS = 50000;
const POPULAR = ['burger', 'fries', 'pizza', 'soda', 'salad'];
const MORE_THAN_ANY_STOCK = 1000000000;

const STATUSES = ['Pending', 'Received', 'Confirmed', 'OutForDelivery', 'Delivered', 'Rejected', 'Cancelled'];
const MOVES = ['Received', 'OutForDelivery', 'Delivered']; // by update_status; the rest is the consumer's, or a cancel
const SETTLED = ['Confirmed', 'Rejected'];

// Below k6's graceful stop of 30 s, so that a journey under way at the end is still judged.
const SETTLE_TIMEOUT_MS = 20000;
const POLL_EVERY_MS = 20; // what placed_to_settled is exact to, besides a read
const OWN_ORDERS_MAX = 100;
const PAGE_ROWS = 20;

if (!Number.isInteger(VUS) || VUS < 2) {
  throw new Error(`VUS must be a whole number, at least 2, not ${__ENV.VUS}`);
}
// Journeys mostly wait for the consumer: in VUs of their own they do not thin out the mix.
const JOURNEY_VUS = Math.ceil(VUS / 10);

export const options = {
  scenarios: {
    mix: { executor: 'constant-vus', exec: 'mix', vus: VUS - JOURNEY_VUS, duration: DURATION },
    journey: { executor: 'constant-vus', exec: 'journey', vus: JOURNEY_VUS, duration: DURATION },
  },
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
  thresholds: {
    // One wrong answer is one too many.
    http_req_failed: ['rate==0'],
    checks: ['rate==1'],
    'http_req_duration{name:place}': ['p(95)<500'],
    'http_req_duration{name:read}': ['p(95)<300'],
    'http_req_duration{name:list}': ['p(95)<500'],
    'http_req_duration{name:cancel}': ['p(95)<500'],
    'http_req_duration{name:update_status}': ['p(95)<500'],
    placed_to_settled: ['p(95)<3000'],
    // A consumer that rejected everything would be quick, too.
    'orders_settled{status:Confirmed}': ['count>0'],
  },
};

const placedToSettled = new Trend('placed_to_settled', true);
const ordersSettled = new Counter('orders_settled');
const refusals = new Counter('refusals');

// Any other status counts as http_req_failed.
const CREATED = http.expectedStatuses(201);
const OK = http.expectedStatuses(200);
const CONFLICT = http.expectedStatuses(409);
const OK_OR_CONFLICT = http.expectedStatuses(200, 409);

/** Tells a service that is away or not seeded from one that answers wrongly. */
export function setup() {
  for (const path of [`/users/${USERS}`, `/orders/${SEEDED_ORDERS}`]) {
    const res = call('setup', 'GET', path, OK);
    if (res.status !== 200) {
      fail(`GET ${BASE_URL}${path}: ${res.status || res.error}. Is it OMS, with the seed data?`);
    }
  }
}

// --- The mix: one call at random, of which only the shape of the answer is known ---

const MIX = [
  { percent: 50, act: () => remember(place(anyUser(), anyBasket())) },
  { percent: 25, act: () => read(anyOrder()) },
  { percent: 10, act: list },
  { percent: 10, act: () => cancel(anyOrder(), OK_OR_CONFLICT) },
  { percent: 5, act: () => updateStatus(anyOrder(), pick(MOVES), OK_OR_CONFLICT) },
];

export function mix() {
  let left = Math.random() * 100;
  MIX.find(({ percent }) => (left -= percent) < 0).act();
}

// --- The journey: one order from beginning to end, which nobody else touches, so that every answer is known ---

const JOURNEYS = [
  { items: () => ({ [pick(POPULAR)]: 1 }), onceConfirmed: deliver },
  { items: anyBasket, onceConfirmed: callOff },
  { items: () => ({ [anyItem()]: MORE_THAN_ANY_STOCK }) }, // must be rejected
];

export function journey() {
  const { items, onceConfirmed } = JOURNEYS[__ITER % JOURNEYS.length];
  const id = place(anyUser(), items());
  const status = id && settle(id);
  // Rejected is always right: late in a long run anything may be sold out.
  const next = { Confirmed: onceConfirmed, Rejected: callOff }[status];
  if (check(next, { 'journey: settled in time, as the stock allows': Boolean })) {
    next(id);
  }
}

function deliver(id) {
  updateStatus(id, 'OutForDelivery', OK);
  updateStatus(id, 'Delivered', OK);
  cancel(id, CONFLICT);
}

function callOff(id) {
  cancel(id, OK);
  // Once more is no change, and no error.
  cancel(id, OK);
  updateStatus(id, 'Delivered', CONFLICT);
}

/** Waits until the consumer has decided; undefined when it does not in time. */
function settle(id) {
  const placed = Date.now();
  while (Date.now() - placed < SETTLE_TIMEOUT_MS) {
    sleep(POLL_EVERY_MS / 1000);
    const { status } = read(id);
    if (SETTLED.includes(status)) {
      placedToSettled.add(Date.now() - placed);
      ordersSettled.add(1, { status });
      return status;
    }
  }
  return undefined;
}

// --- The calls ---

/** The id, or undefined when it was not placed. */
function place(user, items) {
  const res = call('place', 'POST', `/orders?user_id=${user}`, CREATED, { order: { items } });
  const order = bodyOf(res);
  const placed = check(res, {
    'place: 201': () => res.status === 201,
    'place: the order as sent, Pending': () =>
      order.user_id === user && order.status === 'Pending' && sameItems(order.items, items),
    'place: Location is the order': () => String(res.headers.Location).endsWith(`/orders/${order.id}`),
  });
  return placed ? order.id : undefined;
}

function read(id) {
  const res = call('read', 'GET', `/orders/${id}`, OK);
  const order = bodyOf(res);
  check(res, {
    'read: 200': () => res.status === 200,
    'read: that order, in a known status': () => order.id === id && STATUSES.includes(order.status),
    'read: ETag': () => Boolean(res.headers.Etag),
  });
  return order;
}

function list() {
  const user = anyUser();
  const status = pick(STATUSES);
  const [path, belongs] = pick([
    [`/orders?limit=${PAGE_ROWS}&user_id=${user}`, (order) => order.user_id === user],
    [`/users/${user}/orders?limit=${PAGE_ROWS}`, (order) => order.user_id === user],
    [`/orders?limit=${PAGE_ROWS}&status=${status}`, (order) => order.status === status],
  ]);
  const res = call('list', 'GET', path, OK);
  const orders = bodyOf(res);
  if (check(res, { 'list: 200, an array': () => res.status === 200 && Array.isArray(orders) })) {
    check(orders, {
      'list: at most a page, of what was asked for': () => orders.length <= PAGE_ROWS && orders.every(belongs),
      'list: newest first': () => orders.every(({ id }, i) => i === 0 || id < orders[i - 1].id),
    });
  }
}

function cancel(id, expected) {
  const res = call('cancel', 'POST', `/orders/${id}/cancel`, expected);
  checkChange('cancel', res, id, 'Cancelled');
}

function updateStatus(id, status, expected) {
  const res = call('update_status', 'PUT', `/orders/${id}/update_status`, expected, { status });
  checkChange('update_status', res, id, status);
}

function checkChange(name, res, id, wanted) {
  const body = bodyOf(res);
  if (res.status === 409) {
    refusals.add(1, { name });
    check(res, {
      // What the state machine does not demand, it would offer.
      [`${name}: 409 tells what is allowed instead`]: () =>
        Array.isArray(body.allowed) && !body.allowed.includes(wanted),
      [`${name}: 409 is a problem`]: () => res.headers['Content-Type'] === 'application/problem+json',
    });
  } else {
    check(res, {
      [`${name}: 200, that order, in the status wanted`]: () =>
        res.status === 200 && body.id === id && body.status === wanted,
    });
  }
}

/** Tagged with a name: ids in the URL would make a time series of each. */
function call(name, method, path, expected, body = null) {
  return http.request(method, BASE_URL + path, body && JSON.stringify(body), {
    headers: body ? { 'Content-Type': 'application/json' } : {},
    responseCallback: expected,
    tags: { name },
  });
}

/** An empty object for what is no JSON, so that checks fail instead of throwing. */
function bodyOf(res) {
  try {
    return res.json() || {};
  } catch {
    return {};
  }
}

// --- Chance ---

// What this VU has placed lately: the orders that are still about to change.
const own = [];

function remember(id) {
  if (id) {
    own.push(id);
    own.splice(0, own.length - OWN_ORDERS_MAX);
  }
}

function anyOrder() {
  return own.length > 0 && Math.random() < 0.5 ? pick(own) : upTo(SEEDED_ORDERS);
}

function anyUser() {
  return upTo(USERS);
}

function anyItem() {
  return `item_${upTo(SEEDED_ITEMS)}`;
}

/** Something popular, for contention; and, every other time, something that is not. */
function anyBasket() {
  const items = { [pick(POPULAR)]: upTo(3) };
  if (Math.random() < 0.5) {
    items[anyItem()] = 1;
  }
  return items;
}

function pick(from) {
  return from[upTo(from.length) - 1];
}

/** 1 to n. */
function upTo(n) {
  return 1 + Math.floor(Math.random() * n);
}

function sameItems(actual, wanted) {
  const sorted = (items) => JSON.stringify(Object.entries(items || {}).sort());
  return sorted(actual) === sorted(wanted);
}
