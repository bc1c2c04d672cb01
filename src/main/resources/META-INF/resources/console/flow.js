// The Flow page: how orders move from placed to settled.

import { chart } from './chart.js';
import { follow, WINDOW_SECONDS } from './live.js';
import {
  badge,
  coarse,
  duration,
  h,
  isolated,
  latency,
  loading,
  name,
  now,
  number,
  plural,
  rate,
  restorePosition,
  setText,
  table,
  time,
} from './ui.js';

// Same threshold as the alert OldestJobWaits.
const OLDEST_MAX_SECONDS = 60;
const SILENT_MAX_SECONDS = 30;
const RECONCILED_MAX_SECONDS = 120;

export function show({ main, title, signal }) {
  title.textContent = 'Flow';
  const health = h('div', { class: 'health', role: 'status' });
  const loadingHint = loading('service status');
  const queueTiles = h('dl', { class: 'tiles' });
  const throughputTiles = h('dl', { class: 'tiles' });
  const plot = chart(
    signal,
    'Orders placed and settled per second over the last 15 minutes',
    [
      { label: 'Placed per second', colour: 'accent', fill: true },
      { label: 'Settled per second', colour: 'second', dash: true },
    ],
    rate,
    () => [Math.floor(now() / 1_000) - WINDOW_SECONDS, Math.floor(now() / 1_000)],
  );
  const workers = table(
    'Workers',
    [
      { title: 'Worker', cell: (w) => h('code', null, name(w.name)), value: (w) => w.name },
      { title: 'In flight', cell: (w) => plural(w.in_flight, 'job'), value: (w) => w.in_flight, numeric: true },
      { title: 'Settled', cell: (w) => number(w.settled), value: (w) => w.settled, numeric: true },
      { title: 'Idle', cell: idle, value: (w) => w.idle_seconds, numeric: true },
      { title: 'Started', cell: (w) => time(w.started_at), value: (w) => w.started_at, numeric: true },
    ],
    (w) => w.name,
    'No worker has polled for jobs recently.',
  );
  const dependencies = h('dl', { class: 'facts' });
  const content = h(
    'div',
    { hidden: true },
    queueTiles,
    throughputTiles,
    h('section', { class: 'card' }, h('h2', null, 'Last 15 minutes'), plot.node),
    h(
      'div',
      { class: 'columns uneven' },
      h('section', { class: 'card' }, h('h2', null, 'Workers'), workers.node),
      h('section', { class: 'card' }, h('h2', null, 'Dependencies'), dependencies),
    ),
  );
  main.append(health, loadingHint, content);

  const setTile = tileSetter();
  const showIssues = issueList(health);
  let drawn = null;
  follow(signal, (live) => {
    const { flow } = live;
    showIssues(issuesIn(live));
    if (!flow) return;
    if (content.hidden) {
      loadingHint.remove();
      content.hidden = false;
      restorePosition();
    }
    content.classList.toggle('stale', live.state !== 'live');
    setTile(queueTiles, 'Waiting', number(flow.depth), 'jobs in the queue');
    setTile(queueTiles, 'Oldest wait', coarse(flow.oldest_age_seconds), 'time in the queue', flow.oldest_age_seconds > OLDEST_MAX_SECONDS && 'bad');
    setTile(queueTiles, 'In flight', number(flow.in_flight), 'jobs held by workers');
    setTile(queueTiles, 'Failed', number(flow.failed), 'will be retried', flow.failed > 0 && 'warn', '#/jobs?dead=false');
    setTile(queueTiles, 'Dead', number(flow.dead), 'retries exhausted', flow.dead > 0 && 'bad', '#/jobs?dead=true');
    setTile(queueTiles, 'Low stock', number(flow.low_stock), 'items below threshold', flow.low_stock > 0 && 'warn', '#/inventory?below_threshold=true');
    setTile(throughputTiles, 'Placed', rate(flow.placed_per_second), 'orders per second');
    setTile(throughputTiles, 'Settled', rate(flow.settled_per_second), 'orders per second');
    setTile(throughputTiles, 'Median', latency(flow.latency?.p50_seconds), 'placed to settled');
    setTile(throughputTiles, '95th percentile', latency(flow.latency?.p95_seconds), 'placed to settled');
    setTile(throughputTiles, '99th percentile', latency(flow.latency?.p99_seconds), 'placed to settled');
    workers.update(flow.workers ?? []);
    const facts = [
      ['PostgreSQL', upOrDown(flow.postgresql)],
      ['Redis', flow.redis && flow.redis_problem ? badge('Not usable', 'bad') : upOrDown(flow.redis)],
      ['Last reconciliation', reconciliation(flow.last_reconciliation)],
      ['Updated', time(flow.at)],
    ];
    dependencies.replaceChildren(...facts.flatMap(([label, value]) => [h('dt', null, label), h('dd', null, value)]));
    const second = lastBucket(live);
    if (second !== drawn || document.hidden) {
      drawn = second;
      plot.setData(points(live, second));
    }
  });
}

function tileSetter() {
  const tiles = new Map();
  return (list, label, value, note, tone, href) => {
    if (!tiles.has(label)) {
      const figure = h('dd', { class: 'figure' });
      const term = href ? h('a', { href }, label) : label;
      const tile = h('div', { class: 'tile' }, h('dt', null, term), figure, h('dd', { class: 'note' }, note));
      list.append(tile);
      tiles.set(label, { tile, figure });
    }
    const { tile, figure } = tiles.get(label);
    setText(figure, value);
    tile.dataset.tone = tone || '';
  };
}

const isSilent = (worker) => worker.idle_seconds > SILENT_MAX_SECONDS;

function idle(worker) {
  const text = duration(worker.idle_seconds);
  return isSilent(worker) && worker.in_flight > 0 ? badge(`silent for ${text}`, 'bad') : text;
}

const upOrDown = (isUp) =>
  isUp === null || isUp === undefined ? 'unknown' : isUp ? badge('Up', 'ok') : badge('Down', 'bad');

function reconciliation(last) {
  return last ? [time(last.at), `, ${last.found ? `${plural(last.found, 'job')} resent` : 'nothing to resend'}`] : 'none yet';
}

// --- Issues, each with what to do about it ---

const REDIS_PROBLEMS = {
  unavailable: ['Redis is down.', 'Orders are accepted but not settled. Check that the server is running and reachable at OMS_REDIS_URL. Jobs that could not be sent are found and settled once it is back.'],
  read_only: ['Redis is a read-only replica.', 'Orders are accepted but not settled. Set OMS_REDIS_URL to the primary.'],
  full: ['Redis is full.', 'Orders are accepted. Jobs that are in the queue are settled; others wait until Redis has room. Free memory, or raise its maxmemory.'],
  wrong_type: ['The job queue’s key in Redis is not a stream.', 'Orders are accepted but not settled. A worker replaces the key. If this persists, another program writes to it: change OMS_REDIS_PREFIX.'],
  refused: ['Redis refuses commands.', 'Orders are accepted but not settled. The worker logs have Redis’s reason: missing rights, for example, or a disk that it cannot write to.'],
};

/** @returns {?Array} [tone, what is wrong, what to do, href, link text] per issue; null while nothing is known yet */
function issuesIn({ flow, state }) {
  if (!flow) {
    return state === 'lost'
      ? [['bad', 'OMS is not responding.', 'Check that a web process is running and that this browser can reach it. The console retries automatically.']]
      : null;
  }
  if (state === 'lost') {
    return [['bad', 'Connection lost.', 'The figures below are out of date. The console reconnects automatically.']];
  }
  const issues = [];
  const add = (...issue) => issues.push(issue);
  if (flow.postgresql === false) {
    add('bad', 'PostgreSQL is down.', 'Requests are answered with 503; no data is lost. Check that the server is running and reachable at OMS_DB_URL. OMS recovers automatically.');
  }
  const redisProblem = flow.redis_problem ?? (flow.redis === false ? 'unavailable' : null);
  if (redisProblem) {
    add('bad', ...(REDIS_PROBLEMS[redisProblem] ?? REDIS_PROBLEMS.refused));
  } else if (flow.workers && flow.workers.every(isSilent)) {
    add('bad', 'No worker is active.', 'Orders are accepted but stay pending. Start a worker: OMS with QUARKUS_PROFILE=worker.');
  } else if (flow.workers) {
    for (const worker of flow.workers.filter((w) => isSilent(w) && w.in_flight > 0)) {
      add('warn', `Worker ${isolated(worker.name)} is silent and holds ${plural(worker.in_flight, 'job')}.`, 'Other workers will take over its jobs. If this persists, check its log.');
    }
    const last = flow.last_reconciliation;
    if (!last || now() - Date.parse(last.at) > RECONCILED_MAX_SECONDS * 1_000) {
      add('warn', 'No worker is looking for lost jobs.', 'Check that OMS_JOB_RECONCILER_EVERY is not off, then check the worker logs.');
    }
    if (flow.oldest_age_seconds > OLDEST_MAX_SECONDS) {
      add('bad', `The oldest job has been waiting for ${coarse(flow.oldest_age_seconds)}.`, 'Orders arrive faster than they are settled. Start more workers, or check the worker logs for what is slowing them down.');
    }
  }
  if (flow.dead > 0) {
    add('bad', `${plural(flow.dead, 'job is', 'jobs are')} dead.`, 'Retries exhausted. Read the error, then retry or drop the job.', '#/jobs?dead=true', 'View dead jobs');
  }
  if (flow.failed > 0) {
    add('warn', `${plural(flow.failed, 'job has', 'jobs have')} failed.`, 'Failed jobs are retried automatically.', '#/jobs?dead=false', 'View failed jobs');
  }
  return issues;
}

function issueList(container) {
  let shown;
  return (issues) => {
    // The container is a live region: rewriting the same text would have it read out again.
    const text = JSON.stringify(issues);
    if (shown === text) return;
    shown = text;
    if (issues === null) {
      container.replaceChildren();
    } else if (issues.length === 0) {
      container.replaceChildren(h('p', { class: 'all-clear' }, h('strong', null, 'Orders are flowing.'), ' No action needed.'));
    } else {
      container.replaceChildren(
        h(
          'ul',
          null,
          issues.map(([tone, problem, remedy, href, link]) =>
            h('li', { 'data-tone': tone }, h('strong', null, problem), ' ', remedy, href ? [' ', h('a', { href }, link)] : null),
          ),
        ),
      );
    }
  };
}

// --- The chart's points: one per bucket, zero where nothing was counted ---

/** The bucket before the last complete one, as not every process may have reported the last one yet. */
function lastBucket({ counts, bucketSeconds, flow }) {
  const end = Math.floor(Date.parse(flow.at) / 1_000 / bucketSeconds) * bucketSeconds;
  return Math.max(end - 2 * bucketSeconds, ...counts.placed.keys(), ...counts.settled.keys());
}

function points({ counts, bucketSeconds }, last) {
  const seconds = [];
  for (let second = last - WINDOW_SECONDS; second <= last; second += bucketSeconds) {
    seconds.push(second);
  }
  const perSecond = (count) => seconds.map((second) => (count.get(second) ?? 0) / bucketSeconds);
  return [seconds, perSecond(counts.placed), perSecond(counts.settled)];
}
