// A client of the OMS API: the calls, the checks on their responses, and the metrics they produce.

import http from 'k6/http';
import { check, fail } from 'k6';
import { Counter, Trend } from 'k6/metrics';

/** @typedef {{ id: number, user_id: number, status: string, items: Items, created_at: string, updated_at: string }} Order */
/** @typedef {Record<string, number>} Items quantities by item name */
/** @typedef {import('k6/http').RefinedResponse<'text'>} Response */

export const BASE_URL = (__ENV.BASE_URL || 'http://localhost:3000').replace(/\/+$/, '');

/** @type {Record<string, string>} OMS_KEY is an API key; README.md says which. */
const CREDENTIALS = __ENV.OMS_KEY ? { Authorization: `Bearer ${__ENV.OMS_KEY}` } : {};

export const STATUSES = ['Pending', 'Received', 'Confirmed', 'OutForDelivery', 'Delivered', 'Rejected', 'Cancelled'];

// The expected statuses of a call; any other counts as http_req_failed.
export const CREATED = [201];
export const OK = [200];
export const ACCEPTED = [202];
export const NO_CONTENT = [204];
export const CONFLICT = [409];
export const OK_OR_CONFLICT = [200, 409];

export const placedToSettled = new Trend('placed_to_settled', true);
export const ordersSettled = new Counter('orders_settled');
const refusals = new Counter('refusals');
const turnedAway = new Counter('turned_away');

/** @type {number[]} */
let overloadStatuses = [];

/** For scripts that push OMS beyond its capacity: accepts 503 as a valid response and skips its checks. */
export function expectOverload() {
  overloadStatuses = [503];
}

// --- Orders ---

/**
 * Places an order. Returns its id, or undefined if it was not placed.
 * @param {number} user
 * @param {Items} items
 */
export function place(user, items) {
  const res = call('place', 'POST', `/orders?user_id=${user}`, CREATED, { order: { items } });
  const order = jsonBody(res);
  const placed = checkResponse(res, {
    'place: 201': () => res.status === 201,
    'place: Pending, with the user and items sent': () =>
      order.user_id === user && order.status === 'Pending' && sameItems(order.items, items),
    'place: Location points to the order': () => String(res.headers.Location).endsWith(`/orders/${order.id}`),
  });
  return placed ? /** @type {number} */ (order.id) : undefined;
}

/**
 * @param {number} id
 * @returns {Partial<Order>}
 */
export function read(id) {
  const res = call('read', 'GET', `/orders/${id}`, OK);
  const order = jsonBody(res);
  checkResponse(res, {
    'read: 200': () => res.status === 200,
    'read: the requested order, in a known status': () => order.id === id && STATUSES.includes(order.status),
    'read: has an ETag': () => Boolean(res.headers.Etag),
  });
  return order;
}

/**
 * Reads a page of orders, newest first.
 * @param {string} path
 * @param {number} limit maximum number of orders on the page
 * @param {(order: Order) => boolean} matches whether an order matches the filter in the path
 */
export function list(path, limit, matches) {
  const res = call('list', 'GET', path, OK);
  /** @type {Order[]} */
  const orders = jsonBody(res);
  if (checkResponse(res, { 'list: 200, an array': () => res.status === 200 && Array.isArray(orders) })) {
    check(orders, {
      'list: only matching orders, at most a page': () => orders.length <= limit && orders.every(matches),
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
  checkChange('cancel', res, id, 'Cancelled');
}

/**
 * @param {number} id
 * @param {string} status
 * @param {number[]} expected
 */
export function updateStatus(id, status, expected) {
  const res = call('update_status', 'PUT', `/orders/${id}/update_status`, expected, { status });
  checkChange('update_status', res, id, status);
}

/**
 * @param {string} name
 * @param {Response} res
 * @param {number} id
 * @param {string} target the status the order should get
 */
function checkChange(name, res, id, target) {
  const body = jsonBody(res);
  if (res.status === 409) {
    refusals.add(1, { name });
    check(res, {
      [`${name}: 409 lists the allowed statuses, without the refused one`]: () =>
        Array.isArray(body.allowed) && !body.allowed.includes(target),
      [`${name}: 409 is problem+json`]: () => res.headers['Content-Type'] === 'application/problem+json',
    });
  } else {
    checkResponse(res, {
      [`${name}: 200, the order in its new status`]: () =>
        res.status === 200 && body.id === id && body.status === target,
    });
  }
}

// --- Test data ---

/** Creates a user and returns its id. */
export function createUser() {
  // Random, so that it is also unique among the users of concurrent runs.
  const phone = String(Math.floor(Math.random() * 1e10)).padStart(10, '0');
  const user = { name: 'k6', email: `k6-${phone}@example.com`, phone };
  return /** @type {number} */ (create('create_user', '/users', { user }).id);
}

/**
 * Creates an item with a unique name.
 * @param {number} quantity
 * @returns {{ id: number, name: string }}
 */
export function createItem(quantity) {
  const name = `k6 ${Date.now()} ${Math.floor(Math.random() * 1e6)}`;
  return create('create_item', '/inventory_items', { inventory_item: { name, quantity, threshold: 0 } });
}

/**
 * @param {string} name
 * @param {string} path
 * @param {object} body
 */
function create(name, path, body) {
  const res = call(name, 'POST', path, CREATED, body);
  if (res.status !== 201) {
    fail(`POST ${BASE_URL}${path}: ${res.status || res.error}. Is this an OMS instance?`);
  }
  return jsonBody(res);
}

/**
 * Returns the quantity of an item in stock.
 * @param {number} item
 */
export function quantityOf(item) {
  return /** @type {number} */ (jsonBody(call('item', 'GET', `/inventory_items/${item}`, OK)).quantity);
}

// --- Requests ---

/**
 * Sends a request.
 * @param {string} name tags the request in place of its URL, whose ids would create one time series each
 * @param {string} method
 * @param {string} path
 * @param {number[]} expected the expected statuses
 * @param {object | null} [body]
 */
export function call(name, method, path, expected, body = null) {
  const res = http.request(method, BASE_URL + path, body && JSON.stringify(body), {
    headers: { ...CREDENTIALS, ...(body ? { 'Content-Type': 'application/json' } : {}) },
    responseCallback: http.expectedStatuses(...expected, ...overloadStatuses),
    responseType: 'text',
    tags: { name },
  });
  if (overloadStatuses.includes(res.status)) {
    turnedAway.add(1);
  }
  return res;
}

/**
 * Parses the body; returns an empty object if it is not JSON, so that checks fail instead of throwing.
 * @param {Response} res
 * @returns {any}
 */
export function jsonBody(res) {
  try {
    return res.json() || {};
  } catch {
    return {};
  }
}

/**
 * Runs the checks, unless the response is an accepted 503. Returns whether all passed.
 * @param {Response} res
 * @param {import('k6').Checkers<Response>} checks
 */
function checkResponse(res, checks) {
  return !overloadStatuses.includes(res.status) && check(res, checks);
}

/**
 * @param {Items} actual
 * @param {Items} expected
 */
function sameItems(actual, expected) {
  const sorted = (/** @type {Items} */ items) => JSON.stringify(Object.entries(items || {}).sort());
  return sorted(actual) === sorted(expected);
}
