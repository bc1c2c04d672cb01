// People over the seeded data: the mix, of whose answers only the shape is known, and the journeys, of which all is.

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

// What the seed puts into a fresh database.
const USERS = 10000;
const SEEDED_ORDERS = 10000;
const SEEDED_ITEMS = 50000;
const POPULAR = ['burger', 'fries', 'pizza', 'soda', 'salad'];
const MORE_THAN_ANY_STOCK = 1000000000;

const MOVES = ['Received', 'OutForDelivery', 'Delivered']; // by update_status; the rest is the consumer's, or a cancel
const SETTLED = ['Confirmed', 'Rejected'];

// Below k6's graceful stop of 30 s, so that a journey under way at the end is still judged.
const SETTLE_TIMEOUT_MS = 20000;
const POLL_EVERY_MS = 20; // what placed_to_settled is exact to, besides a read
const OWN_ORDERS_MAX = 100;
const PAGE_ROWS = 20;

/** Tells a service that is away or not seeded from one that answers wrongly. */
export function demandSeed() {
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
  { percent: 10, act: listAny },
  { percent: 10, act: () => cancel(anyOrder(), OK_OR_CONFLICT) },
  { percent: 5, act: () => updateStatus(anyOrder(), pick(MOVES), OK_OR_CONFLICT) },
];

export function mix() {
  let left = Math.random() * 100;
  const { act } = MIX.find(({ percent }) => (left -= percent) < 0) || MIX[0];
  act();
}

function listAny() {
  const user = anyUser();
  const status = pick(STATUSES);
  const one = upTo(3);
  if (one === 1) {
    list(`/orders?limit=${PAGE_ROWS}&user_id=${user}`, PAGE_ROWS, (order) => order.user_id === user);
  } else if (one === 2) {
    list(`/users/${user}/orders?limit=${PAGE_ROWS}`, PAGE_ROWS, (order) => order.user_id === user);
  } else {
    list(`/orders?limit=${PAGE_ROWS}&status=${status}`, PAGE_ROWS, (order) => order.status === status);
  }
}

// --- The journey: one order from beginning to end, which nobody else touches, so that every answer is known ---

/** @type {{ items: () => import('./client.js').Items, onceConfirmed?: (id: number) => void }[]} */
const JOURNEYS = [
  { items: () => ({ [pick(POPULAR)]: 1 }), onceConfirmed: deliver },
  { items: anyBasket, onceConfirmed: callOff },
  { items: () => ({ [anyItem()]: MORE_THAN_ANY_STOCK }) }, // must be rejected
];

export function journey() {
  const { items, onceConfirmed } = JOURNEYS[exec.scenario.iterationInTest % JOURNEYS.length];
  const id = place(anyUser(), items());
  const status = id && settle(id);
  // Rejected is always right: late in a long run anything may be sold out.
  const next = status === 'Confirmed' ? onceConfirmed : status === 'Rejected' ? callOff : undefined;
  if (check(next, { 'journey: settled in time, as the stock allows': Boolean }) && id && next) {
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
export function callOff(id) {
  cancel(id, OK);
  // Once more is no change, and no error.
  cancel(id, OK);
  updateStatus(id, 'Delivered', CONFLICT);
}

/**
 * Waits until the consumer has decided; undefined when it does not in time.
 * @param {number} id
 */
export function settle(id) {
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

// --- Chance ---

// What this VU has placed lately: the orders that are still about to change.
/** @type {number[]} */
const own = [];

/** @param {number | undefined} id */
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

/**
 * @template T
 * @param {T[]} from
 */
function pick(from) {
  return from[upTo(from.length) - 1];
}

/**
 * 1 to n.
 * @param {number} n
 */
function upTo(n) {
  return 1 + Math.floor(Math.random() * n);
}
