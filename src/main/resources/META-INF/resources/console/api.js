// Talks to OMS: the client of its API, and the service status that it pushes.

import { setClock } from './ui.js';

const TIMEOUT_MS = 15_000;

/** Why a call failed, in words for an operator. */
export class Problem extends Error {
  /** @param {number} status the HTTP status, 0 if there was no response */
  constructor(status, detail, errors = []) {
    super(detail);
    this.status = status;
    this.errors = errors.map(({ field, message }) => `${field} ${message}`);
  }

  /**
   * Whether this request did nothing. After any other failure it may have done something: only the response may be
   * lost. A browser that repeats a request by itself shows the refusal of the second one.
   */
  get isRefusal() {
    return this.status >= 400 && this.status < 500;
  }
}

// --- Who uses this console ---

// Kept for the tab: closing it signs out, and no other page can read it.
const KEY = 'oms-key';
const WHO = '/api_keys/current';

/** auth: whether calls need a key. scopes: what the caller may do. */
export const caller = { auth: false, name: null, scopes: [] };

export const may = (scope) => caller.scopes.includes(scope);

/** The headers that tell OMS who calls. */
export const credentials = () => {
  const key = sessionStorage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
};

/** Asks OMS who the caller is. @throws {Problem} with the status 401 when a key is needed, or another one */
export async function identify() {
  Object.assign(caller, (await call('GET', WHO)).body);
}

/** Uses a key from now on. @throws {Problem} as identify */
export async function signIn(key) {
  // Anything else cannot be sent in a header.
  if (!/^[!-~]+$/.test(key)) throw new Problem(401, 'This is not a key. It begins with oms_ and is 53 characters long.');
  sessionStorage.setItem(KEY, key);
  try {
    await identify();
  } catch (problem) {
    sessionStorage.removeItem(KEY);
    throw problem;
  }
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  location.reload();
}

let onRefused = () => {};

/** Calls the listener when a key is no longer accepted. */
export function whenRefused(listener) {
  onRefused = listener;
}

// --- Calls ---

/** The last response with an ETag, as {url, etag, result}: polling a resource that has not changed costs a 304. */
let tagged = null;

/**
 * @returns {Promise<{body: any, etag: ?string, next: ?string}>} next is the `after` parameter of the next page, if any
 * @throws {Problem} if the call is refused or gets no response; an AbortError if the signal aborts it
 */
async function call(method, path, { query, body, etag, key, signal } = {}) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') {
      url.searchParams.set(name, value);
    }
  }
  const headers = new Headers(credentials());
  if (method !== 'GET') {
    headers.set('OMS-Actor', 'console');
  }
  if (body !== undefined) {
    headers.set('Content-Type', 'application/json');
  }
  if (etag) {
    headers.set('If-Match', etag);
  }
  if (key) {
    headers.set('Idempotency-Key', key);
  }
  const known = method === 'GET' && tagged?.url === url.href ? tagged : null;
  if (known) {
    headers.set('If-None-Match', known.etag);
  }
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response;
  let text;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new Problem(0, 'No response from OMS. Check that a web process is running and that this browser can reach it.');
  }
  if (known && response.status === 304) {
    return known.result;
  }
  if (!response.ok) {
    if (response.status === 401 && path !== WHO) onRefused();
    throw parseProblem(response, text);
  }
  const result = {
    body: text ? JSON.parse(text) : null,
    etag: response.headers.get('ETag'),
    next: parseNext(response.headers.get('Link')),
  };
  if (method === 'GET' && result.etag) {
    tagged = { url: url.href, etag: result.etag, result };
  }
  return result;
}

function parseProblem(response, text) {
  try {
    const problem = JSON.parse(text);
    const detail = problem.errors?.length ? 'OMS did not accept this.' : (problem.detail ?? problem.title);
    return new Problem(response.status, detail, problem.errors);
  } catch {
    return new Problem(response.status, `OMS returned ${response.status} without an explanation.`);
  }
}

function parseNext(link) {
  const next = /<([^>]*)>;\s*rel="?next"?/.exec(link ?? '');
  return next && new URL(next[1], location.origin).searchParams.get('after');
}

export const get = (path, query, signal) => call('GET', path, { query, signal });
export const put = (path, body, etag) => call('PUT', path, { body, etag });
export const post = (path, { body, etag, key } = {}) => call('POST', path, { body, etag, key });
export const remove = (path) => call('DELETE', path);

/** An idempotency key: a browser repeats a request by itself when its connection is lost before the response. */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');

// --- The service status, pushed every second as server-sent events and shared by all pages ---

export const WINDOW_SECONDS = 15 * 60;

const SILENT_MS = 10_000;
const RECONNECT_MIN_MS = 1_000;
const RECONNECT_MAX_MS = 10_000;

/** state: connecting, live or lost. flow: the latest snapshot. counts: per bucket, keyed by the bucket's first second. */
export const live = { state: 'connecting', flow: null, bucketSeconds: 5, counts: null, since: null };

const listeners = new Set();
let source = null;
let watchdog;
let reconnectTimer;
let reconnectMs = RECONNECT_MIN_MS;

/** Calls the listener now and on every change, until the signal aborts. */
export function follow(signal, listener) {
  listeners.add(listener);
  signal.addEventListener('abort', () => listeners.delete(listener));
  listener(live);
}

function notify(state) {
  if (live.state !== state) {
    live.state = state;
    live.since = Date.now();
  }
  listeners.forEach((listener) => listener(live));
}

function addCounts(buckets) {
  for (const name of ['placed', 'settled']) {
    for (const [second, count] of buckets?.[name] ?? []) {
      live.counts[name].set(second, count);
    }
  }
}

function dropOld(nowSeconds) {
  for (const counts of Object.values(live.counts)) {
    for (const second of counts.keys()) {
      if (second < nowSeconds - WINDOW_SECONDS - live.bucketSeconds) counts.delete(second);
    }
  }
}

const HANDLERS = {
  history(history) {
    live.bucketSeconds = history.bucket_seconds;
    live.counts = { placed: new Map(), settled: new Map() };
    addCounts(history);
  },
  flow(flow) {
    live.flow = flow;
    live.counts ??= { placed: new Map(), settled: new Map() };
    setClock(flow.at);
    addCounts(flow.buckets);
    dropOld(Date.parse(flow.at) / 1_000);
    reconnectMs = RECONNECT_MIN_MS;
    restartWatchdog();
    notify('live');
  },
};

function open() {
  close();
  source = new AbortController();
  const { signal } = source;
  restartWatchdog();
  read(signal).then(
    () => signal.aborted || reconnectLater(),
    () => signal.aborted || reconnectLater(),
  );
}

/** Reads the stream until it ends. By fetch, because an EventSource can send no key. */
async function read(signal) {
  const response = await fetch('/events', { headers: credentials(), cache: 'no-store', signal });
  if (response.status === 401) onRefused();
  if (!response.ok) throw new Error(`OMS returned ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (text + part.value).split('\n\n');
    text = events.pop();
    events.forEach(handle);
  }
}

/** OMS sends each event with one line of data. */
function handle(event) {
  const fields = Object.fromEntries(event.split('\n').map((line) => /^(\w*): ?(.*)$/.exec(line)?.slice(1) ?? ['', '']));
  HANDLERS[fields.event]?.(JSON.parse(fields.data));
}

function restartWatchdog() {
  clearTimeout(watchdog);
  watchdog = setTimeout(reconnectLater, SILENT_MS);
}

function reconnectLater() {
  close();
  reconnectTimer = setTimeout(open, reconnectMs);
  reconnectMs = Math.min(reconnectMs * 2, RECONNECT_MAX_MS);
  notify('lost');
}

function close() {
  source?.abort();
  source = null;
  clearTimeout(watchdog);
  clearTimeout(reconnectTimer);
}

let isWanted = false;

function openIfWanted() {
  if (isWanted && !document.hidden) open();
}

// Only while the tab is visible: a browser opens few connections per server, and hidden tabs would use them up.
document.addEventListener('visibilitychange', () => (document.hidden ? close() : openIfWanted()));
addEventListener('online', openIfWanted);

/** Follows the service status with the present key. */
export function start() {
  isWanted = true;
  openIfWanted();
}

export function stop() {
  isWanted = false;
  close();
}
