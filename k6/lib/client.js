// OMS as its clients see it: each call, what its answer must look like, and the metrics that come of it.

import http from 'k6/http';
import { check, fail } from 'k6';
import { Counter, Trend } from 'k6/metrics';

/** @typedef {{ id: number, user_id: number, status: string, items: Items, created_at: string, updated_at: string }} Order */
/** @typedef {Record<string, number>} Items how many of what, by name */
/** @typedef {import('k6/http').RefinedResponse<'text'>} Answer */

export const BASE_URL = (__ENV.BASE_URL || 'http://localhost:3000').replace(/\/+$/, '');

export const STATUSES = ['Pending', 'Received', 'Confirmed', 'OutForDelivery', 'Delivered', 'Rejected', 'Cancelled'];

// Any other status counts as http_req_failed.
export const CREATED = [201];
export const OK = [200];
export const NO_CONTENT = [204];
export const CONFLICT = [409];
export const OK_OR_CONFLICT = [200, 409];

export const placedToSettled = new Trend('placed_to_settled', true);
export const ordersSettled = new Counter('orders_settled');
const refusals = new Counter('refusals');
const turnedAway = new Counter('turned_away');

/** @type {number[]} */
let overloaded = [];

/** For scripts that ask for more than OMS can do: a 503 is a right answer to that, and nothing more to check. */
export function expectOverload() {
  overloaded = [503];
}

// --- Orders ---

/**
 * The id, or undefined when it was not placed.
 * @param {number} user
 * @param {Items} items
 */
export function place(user, items) {
  const res = call('place', 'POST', `/orders?user_id=${user}`, CREATED, { order: { items } });
  const order = bodyOf(res);
  const placed = judge(res, {
    'place: 201': () => res.status === 201,
    'place: the order as sent, Pending': () =>
      order.user_id === user && order.status === 'Pending' && sameItems(order.items, items),
    'place: Location is the order': () => String(res.headers.Location).endsWith(`/orders/${order.id}`),
  });
  return placed ? /** @type {number} */ (order.id) : undefined;
}

/**
 * @param {number} id
 * @returns {Partial<Order>}
 */
export function read(id) {
  const res = call('read', 'GET', `/orders/${id}`, OK);
  const order = bodyOf(res);
  judge(res, {
    'read: 200': () => res.status === 200,
    'read: that order, in a known status': () => order.id === id && STATUSES.includes(order.status),
    'read: ETag': () => Boolean(res.headers.Etag),
  });
  return order;
}

/**
 * A page, newest first.
 * @param {string} path
 * @param {number} rows how many at most
 * @param {(order: Order) => boolean} belongs whether an order is one of those asked for
 */
export function list(path, rows, belongs) {
  const res = call('list', 'GET', path, OK);
  /** @type {Order[]} */
  const orders = bodyOf(res);
  if (judge(res, { 'list: 200, an array': () => res.status === 200 && Array.isArray(orders) })) {
    check(orders, {
      'list: at most a page, of what was asked for': () => orders.length <= rows && orders.every(belongs),
      'list: newest first': () => orders.every(({ id }, i) => i === 0 || id < orders[i - 1].id),
    });
  }
}

/**
 * @param {number} id
 * @param {number[]} expected
 */
export function cancel(id, expected) {
  const res = call('cancel', 'POST', `/orders/${id}/cancel`, expected);
  judgeChange('cancel', res, id, 'Cancelled');
}

/**
 * @param {number} id
 * @param {string} status
 * @param {number[]} expected
 */
export function updateStatus(id, status, expected) {
  const res = call('update_status', 'PUT', `/orders/${id}/update_status`, expected, { status });
  judgeChange('update_status', res, id, status);
}

/**
 * @param {string} name
 * @param {Answer} res
 * @param {number} id
 * @param {string} wanted
 */
function judgeChange(name, res, id, wanted) {
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
    judge(res, {
      [`${name}: 200, that order, in the status wanted`]: () =>
        res.status === 200 && body.id === id && body.status === wanted,
    });
  }
}

// --- What a script brings along ---

/** The id of a new user. */
export function createUser() {
  // Unlike any other user's, even of a run at the same time.
  const phone = String(Math.floor(Math.random() * 1e10)).padStart(10, '0');
  const user = { name: 'k6', email: `k6-${phone}@example.com`, phone };
  return /** @type {number} */ (created('create_user', '/users', { user }).id);
}

/**
 * A new item under a name of its own, with so many units.
 * @param {number} quantity
 * @returns {{ id: number, name: string }}
 */
export function createItem(quantity) {
  const name = `k6 ${Date.now()} ${Math.floor(Math.random() * 1e6)}`;
  return created('create_item', '/inventory_items', { inventory_item: { name, quantity, threshold: 0 } });
}

/**
 * @param {string} name
 * @param {string} path
 * @param {object} body
 */
function created(name, path, body) {
  const res = call(name, 'POST', path, CREATED, body);
  if (res.status !== 201) {
    fail(`POST ${BASE_URL}${path}: ${res.status || res.error}. Is it OMS?`);
  }
  return bodyOf(res);
}

/**
 * How many units of an item there are.
 * @param {number} item
 */
export function quantityOf(item) {
  return /** @type {number} */ (bodyOf(call('item', 'GET', `/inventory_items/${item}`, OK)).quantity);
}

// --- Any call ---

/**
 * Tagged with a name: ids in the URL would make a time series of each.
 * @param {string} name
 * @param {string} method
 * @param {string} path
 * @param {number[]} expected the statuses that are right
 * @param {object | null} [body]
 * @param {string} [timeout]
 */
export function call(name, method, path, expected, body = null, timeout = '60s') {
  const res = http.request(method, BASE_URL + path, body && JSON.stringify(body), {
    headers: body ? { 'Content-Type': 'application/json' } : {},
    responseCallback: http.expectedStatuses(...expected, ...overloaded),
    responseType: 'text',
    tags: { name },
    timeout,
  });
  if (overloaded.includes(res.status)) {
    turnedAway.add(1);
  }
  return res;
}

/**
 * An empty object for what is no JSON, so that checks fail instead of throwing.
 * @param {Answer} res
 * @returns {any}
 */
export function bodyOf(res) {
  try {
    return res.json() || {};
  } catch {
    return {};
  }
}

/**
 * @param {Answer} res
 * @param {import('k6').Checkers<Answer>} claims
 */
function judge(res, claims) {
  return !overloaded.includes(res.status) && check(res, claims);
}

/**
 * @param {Items} actual
 * @param {Items} wanted
 */
function sameItems(actual, wanted) {
  const sorted = (/** @type {Items} */ items) => JSON.stringify(Object.entries(items || {}).sort());
  return sorted(actual) === sorted(wanted);
}
