// The service status, pushed every second as server-sent events and shared by all pages.

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

function open() {
  close();
  source = new EventSource('/events');
  source.addEventListener('history', ({ data }) => {
    const history = JSON.parse(data);
    live.bucketSeconds = history.bucket_seconds;
    live.counts = { placed: new Map(), settled: new Map() };
    addCounts(history);
  });
  source.addEventListener('flow', ({ data }) => {
    live.flow = JSON.parse(data);
    live.counts ??= { placed: new Map(), settled: new Map() };
    setClock(live.flow.at);
    addCounts(live.flow.buckets);
    dropOld(Date.parse(live.flow.at) / 1_000);
    reconnectMs = RECONNECT_MIN_MS;
    restartWatchdog();
    notify('live');
  });
  // EventSource's own reconnect is not enough: it gives up for good after a 503 and never notices a dead connection.
  source.onerror = reconnectLater;
  restartWatchdog();
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
  source?.close();
  source = null;
  clearTimeout(watchdog);
  clearTimeout(reconnectTimer);
}

/** Listens only while the tab is visible: a browser opens few connections per server, and hidden tabs would use them up. */
export function start() {
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  addEventListener('online', open);
  if (!document.hidden) open();
}
