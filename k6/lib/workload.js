// The workload on the seeded data: the mix, whose responses are checked for their form, and journeys, whose responses are
// known exactly.

import { check, fail, sleep } from 'k6';
import exec from 'k6/execution';
import {
  BASE_URL,
  CONFLICT,
  OK,
  OK_OR_CONFLICT,
  STATUSES,
  call,
  cancel,
  list,
  ordersSettled,
  place,
  placedToSettled,
  read,
  updateStatus,
} from './client.js';

// The seed data of a fresh database.
const USERS = 10000;
const SEEDED_ORDERS = 10000;
const SEEDED_ITEMS = 50000;
const POPULAR = ['burger', 'fries', 'pizza', 'soda', 'salad'];
const MORE_THAN_ANY_STOCK = 1000000000;

const TARGET_STATUSES = ['Received', 'OutForDelivery', 'Delivered']; // those that only update_status sets
const SETTLED = ['Confirmed', 'Rejected'];

// Shorter than k6's graceful stop of 30 s, so that journeys in progress at the end are still checked.
const SETTLE_TIMEOUT_MS = 20000;
const POLL_EVERY_MS = 20; // the resolution of placed_to_settled, plus the duration of a read
const RECENT_ORDERS_MAX = 100;
const PAGE_ROWS = 20;

/** Fails early if the service is down or has no seed data, rather than with wrong responses later. */
export function requireSeedData() {
  for (const path of [`/users/${USERS}`, `/orders/${SEEDED_ORDERS}`]) {
    const res = call('setup', 'GET', path, OK);
    if (res.status !== 200) {
      fail(`GET ${BASE_URL}${path}: ${res.status || res.error}. Is this an OMS instance with the seed data?`);
    }
  }
}

// --- The mix: one random call per iteration, checked for the form of its response ---

const MIX = [
  { percent: 50, run: () => remember(place(randomUser(), randomItems())) },
  { percent: 25, run: () => read(randomOrder()) },
  { percent: 10, run: listOrders },
  { percent: 10, run: () => cancel(randomOrder(), OK_OR_CONFLICT) },
  { percent: 5, run: () => updateStatus(randomOrder(), randomElement(TARGET_STATUSES), OK_OR_CONFLICT) },
];

export function mix() {
  let left = Math.random() * 100;
  const { run } = MIX.find(({ percent }) => (left -= percent) < 0) || MIX[0];
  run();
}

function listOrders() {
  const user = randomUser();
  const status = randomElement(STATUSES);
  const choice = randomUpTo(3);
  if (choice === 1) {
    list(`/orders?limit=${PAGE_ROWS}&user_id=${user}`, PAGE_ROWS, (order) => order.user_id === user);
  } else if (choice === 2) {
    list(`/users/${user}/orders?limit=${PAGE_ROWS}`, PAGE_ROWS, (order) => order.user_id === user);
  } else {
    list(`/orders?limit=${PAGE_ROWS}&status=${status}`, PAGE_ROWS, (order) => order.status === status);
  }
}

// --- The journey: one order from start to end; no other VU touches it, so every response is known ---

/** @type {{ items: () => import('./client.js').Items, onceConfirmed?: (id: number) => void }[]} */
const JOURNEYS = [
  { items: () => ({ [randomElement(POPULAR)]: 1 }), onceConfirmed: deliver },
  { items: randomItems, onceConfirmed: cancelForGood },
  { items: () => ({ [randomItem()]: MORE_THAN_ANY_STOCK }) }, // must be rejected
];

export function journey() {
  const { items, onceConfirmed } = JOURNEYS[exec.scenario.iterationInTest % JOURNEYS.length];
  const id = place(randomUser(), items());
  const status = id && awaitSettled(id);
  // Rejected is always valid: late in a long run, any item may be out of stock.
  const next = status === 'Confirmed' ? onceConfirmed : status === 'Rejected' ? cancelForGood : undefined;
  if (check(next, { 'journey: settled in time, and not confirmed without stock': Boolean }) && id && next) {
    next(id);
  }
}

/** @param {number} id */
export function deliver(id) {
  updateStatus(id, 'OutForDelivery', OK);
  updateStatus(id, 'Delivered', OK);
  cancel(id, CONFLICT);
}

/** @param {number} id */
export function cancelForGood(id) {
  cancel(id, OK);
  // Cancelling again changes nothing and is not an error.
  cancel(id, OK);
  updateStatus(id, 'Delivered', CONFLICT);
}

/**
 * Waits up to 20 s until the consumer has settled an order. Returns its status, or undefined after the timeout.
 * @param {number} id
 */
export function awaitSettled(id) {
  const placed = Date.now();
  while (Date.now() - placed < SETTLE_TIMEOUT_MS) {
    sleep(POLL_EVERY_MS / 1000);
    const { status } = read(id);
    if (status && SETTLED.includes(status)) {
      placedToSettled.add(Date.now() - placed);
      ordersSettled.add(1, { status });
      return status;
    }
  }
  return undefined;
}

// --- Random choices ---

// The latest orders of this VU, which are the ones most likely still to change.
/** @type {number[]} */
const recent = [];

/** @param {number | undefined} id */
function remember(id) {
  if (id) {
    recent.push(id);
    recent.splice(0, recent.length - RECENT_ORDERS_MAX);
  }
}

function randomOrder() {
  return recent.length > 0 && Math.random() < 0.5 ? randomElement(recent) : randomUpTo(SEEDED_ORDERS);
}

function randomUser() {
  return randomUpTo(USERS);
}

function randomItem() {
  return `item_${randomUpTo(SEEDED_ITEMS)}`;
}

/** A popular item, for contention, and half of the time also a random one. */
function randomItems() {
  const items = { [randomElement(POPULAR)]: randomUpTo(3) };
  if (Math.random() < 0.5) {
    items[randomItem()] = 1;
  }
  return items;
}

/**
 * @template T
 * @param {T[]} array
 */
function randomElement(array) {
  return array[randomUpTo(array.length) - 1];
}

/**
 * A random integer from 1 to n.
 * @param {number} n
 */
function randomUpTo(n) {
  return 1 + Math.floor(Math.random() * n);
}
