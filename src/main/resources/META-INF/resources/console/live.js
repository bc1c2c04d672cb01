// The service's state as it tells it each second (server-sent events), shared by all pages.

import { setClock } from './ui.js';

export const WINDOW_SECONDS = 15 * 60;

const SILENT_MS = 10_000;
const AGAIN_MIN_MS = 1_000;
const AGAIN_MAX_MS = 10_000;

/** state: connecting, live, lost. flow: the last that was told. counts: per bucket, by its first second. */
export const live = { state: 'connecting', flow: null, bucketSeconds: 5, counts: null, since: null };

const listeners = new Set();
let source = null;
let watchdog;
let timer;
let againMs = AGAIN_MIN_MS;

/** Calls back now and whenever something is new, until the signal. */
export function follow(signal, listener) {
  listeners.add(listener);
  signal.addEventListener('abort', () => listeners.delete(listener));
  listener(live);
}

function changed(state) {
  if (live.state !== state) {
    live.state = state;
    live.since = Date.now();
  }
  listeners.forEach((listener) => listener(live));
}

function add(told) {
  for (const name of ['placed', 'settled']) {
    for (const [second, count] of told?.[name] ?? []) {
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
    const told = JSON.parse(data);
    live.bucketSeconds = told.bucket_seconds;
    live.counts = { placed: new Map(), settled: new Map() };
    add(told);
  });
  source.addEventListener('flow', ({ data }) => {
    live.flow = JSON.parse(data);
    live.counts ??= { placed: new Map(), settled: new Map() };
    setClock(live.flow.at);
    add(live.flow.buckets);
    dropOld(Date.parse(live.flow.at) / 1_000);
    againMs = AGAIN_MIN_MS;
    watch();
    changed('live');
  });
  // Not left to the browser: it gives up for good when the answer is a 503, and never notices a dead connection.
  source.onerror = lost;
  watch();
}

function watch() {
  clearTimeout(watchdog);
  watchdog = setTimeout(lost, SILENT_MS);
}

function lost() {
  close();
  timer = setTimeout(open, againMs);
  againMs = Math.min(againMs * 2, AGAIN_MAX_MS);
  changed('lost');
}

function close() {
  source?.close();
  source = null;
  clearTimeout(watchdog);
  clearTimeout(timer);
}

/** Listens while the page is seen: a browser has few connections to one server, and hidden tabs would use them up. */
export function start() {
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  addEventListener('online', open);
  if (!document.hidden) open();
}
