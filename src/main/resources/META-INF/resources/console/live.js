// The service status, which OMS pushes every second as server-sent events, shared by all pages.

import { stream } from './api.js';
import { setClock } from './ui.js';

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

/** Reads the stream until it ends. */
async function read(signal) {
  const reader = await stream('/flow', signal);
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
