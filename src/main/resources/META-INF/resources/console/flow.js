// How the orders flow: from being placed to having their stock settled.

import { chart } from './chart.js';
import { follow, WINDOW_SECONDS } from './live.js';
import { badge, coarse, duration, h, latency, loading, now, number, plural, rate, setText, table, time } from './ui.js';

// Worries begin here. Alerts begin at the same age.
const OLDEST_MAX_SECONDS = 60;
const SILENT_MAX_SECONDS = 30;
const RECONCILED_MAX_SECONDS = 120;

export function show({ main, title, signal }) {
  title.textContent = 'Flow';
  const verdict = h('div', { class: 'verdict', role: 'status' });
  const wait = loading('the state of the service');
  const waiting = h('dl', { class: 'tiles' });
  const moving = h('dl', { class: 'tiles' });
  const plot = chart(
    signal,
    'Orders placed and settled per second in the last 15 minutes',
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
      { title: 'Worker', cell: (w) => h('code', null, w.name), value: (w) => w.name },
      { title: 'Holds', cell: (w) => plural(w.in_flight, 'job'), value: (w) => w.in_flight, numeric: true },
      { title: 'Settled', cell: (w) => number(w.settled), value: (w) => w.settled, numeric: true },
      { title: 'Idle', cell: idle, value: (w) => w.idle_seconds, numeric: true },
      { title: 'Started', cell: (w) => time(w.started_at), value: (w) => w.started_at, numeric: true },
    ],
    (w) => w.name,
    'None has asked for a job lately.',
  );
  const state = h('dl', { class: 'facts' });
  const rest = h(
    'div',
    { hidden: true },
    waiting,
    moving,
    h('section', { class: 'card' }, h('h2', null, 'The last 15 minutes'), plot.node),
    h(
      'div',
      { class: 'columns' },
      h('section', { class: 'card' }, h('h2', null, 'Workers'), workers.node),
      h('section', { class: 'card' }, h('h2', null, 'What they stand on'), state),
    ),
  );
  main.append(verdict, wait, rest);

  const tile = tilesIn();
  let drawn = null;
  follow(signal, (live) => {
    const { flow } = live;
    tellWorries(verdict, worriesIn(live));
    if (!flow) return;
    wait.remove();
    rest.hidden = false;
    rest.classList.toggle('stale', live.state !== 'live');
    tile(waiting, 'Waiting', number(flow.depth), 'jobs in the stream');
    tile(waiting, 'Oldest', coarse(flow.oldest_age_seconds), 'waits so long', flow.oldest_age_seconds > OLDEST_MAX_SECONDS && 'bad');
    tile(waiting, 'In flight', number(flow.in_flight), 'with a worker');
    tile(waiting, 'Failed', number(flow.failed), 'will be tried again', flow.failed > 0 && 'warn', '#/jobs?dead=false');
    tile(waiting, 'Dead', number(flow.dead), 'nobody tries them', flow.dead > 0 && 'bad', '#/jobs?dead=true');
    tile(waiting, 'Low stock', number(flow.low_stock), 'below threshold', flow.low_stock > 0 && 'warn', '#/inventory?below_threshold=true');
    tile(moving, 'Placed', rate(flow.placed_per_second), 'orders per second');
    tile(moving, 'Settled', rate(flow.settled_per_second), 'orders per second');
    tile(moving, 'Median', latency(flow.latency?.p50_seconds), 'placed to settled');
    tile(moving, '95 %', latency(flow.latency?.p95_seconds), 'are settled within');
    tile(moving, '99 %', latency(flow.latency?.p99_seconds), 'are settled within');
    workers.update(flow.workers ?? []);
    const facts = [
      ['PostgreSQL', upOrAway(flow.postgresql)],
      ['Redis', upOrAway(flow.redis)],
      ['Last reconciliation', reconciliation(flow.last_reconciliation)],
      ['Told', time(flow.at)],
    ];
    state.replaceChildren(...facts.flatMap(([name, value]) => [h('dt', null, name), h('dd', null, value)]));
    const second = lastBucket(live);
    if (second !== drawn || document.hidden) {
      drawn = second;
      plot.set(points(live, second));
    }
  });
}

function tilesIn() {
  const known = new Map();
  return (list, label, value, note, tone, href) => {
    if (!known.has(label)) {
      const dd = h('dd', { class: 'figure' });
      const term = href ? h('a', { href }, label) : label;
      const one = h('div', { class: 'tile' }, h('dt', null, term), dd, h('dd', { class: 'note' }, note));
      list.append(one);
      known.set(label, { one, dd });
    }
    const { one, dd } = known.get(label);
    setText(dd, value);
    one.dataset.tone = tone || '';
  };
}

function idle({ idle_seconds: seconds, in_flight: holds }) {
  return seconds > SILENT_MAX_SECONDS && holds > 0 ? badge(`silent for ${duration(seconds)}`, 'bad') : duration(seconds);
}

const upOrAway = (up) =>
  up === null || up === undefined ? 'not known' : up ? badge('Up', 'ok') : badge('Away', 'bad');

function reconciliation(last) {
  return last ? [time(last.at), `, ${last.found ? `${plural(last.found, 'lost job')} sent again` : 'nothing was lost'}`] : 'none yet';
}

// --- What is wrong, and what to do about it ---

function worriesIn({ flow, state }) {
  if (!flow) {
    return state === 'lost'
      ? [['bad', 'OMS does not answer.', 'Is web running, and can this browser reach it? The console tries again by itself.']]
      : null;
  }
  if (state === 'lost') {
    return [['bad', 'The connection is lost.', 'What is shown is from before. The console tries again by itself.']];
  }
  const worries = [];
  const worry = (...told) => worries.push(told);
  if (flow.postgresql === false) {
    worry('bad', 'PostgreSQL is away.', 'Calls are answered 503, and nothing is lost. See that the server runs and that OMS_DB_URL reaches it; OMS goes on by itself.');
  }
  if (flow.redis === false) {
    worry('bad', 'Redis is away.', 'Orders are accepted and wait. See that the server runs and that OMS_REDIS_URL reaches it; what was not sent is then found and settled.');
  } else if (flow.workers && !flow.workers.some((w) => w.idle_seconds <= SILENT_MAX_SECONDS)) {
    worry('bad', 'No worker is at work.', 'Orders are accepted and stay pending. Start one: OMS with QUARKUS_PROFILE=worker.');
  } else if (flow.workers) {
    const silent = flow.workers.filter((w) => w.idle_seconds > SILENT_MAX_SECONDS && w.in_flight > 0);
    for (const w of silent) {
      worry('warn', `Worker ${w.name} is silent and holds ${plural(w.in_flight, 'job')}.`, 'The others take them over; look at its log when this does not pass.');
    }
    const last = flow.last_reconciliation;
    if (!last || now() - Date.parse(last.at) > RECONCILED_MAX_SECONDS * 1_000) {
      worry('warn', 'No worker looks for lost jobs.', 'See that OMS_JOB_RECONCILER_EVERY is not off, and what the workers’ logs say.');
    }
    if (flow.oldest_age_seconds > OLDEST_MAX_SECONDS) {
      worry('bad', `The oldest job has waited for ${coarse(flow.oldest_age_seconds)}.`, 'More is placed than is settled: start more workers, or see in their logs what holds them up.');
    }
  }
  if (flow.dead > 0) {
    worry('bad', `${plural(flow.dead, 'job is', 'jobs are')} dead.`, 'Nobody tries them any more. Read why, then retry or drop them.', '#/jobs?dead=true', 'Look at them');
  }
  if (flow.failed > 0) {
    worry('warn', `${plural(flow.failed, 'job has', 'jobs have')} failed.`, 'They will be tried again by themselves.', '#/jobs?dead=false', 'Look at them');
  }
  return worries;
}

let told;

function tellWorries(place, worries) {
  const text = JSON.stringify(worries);
  if (told === text && place.hasChildNodes()) return;
  told = text;
  if (worries === null) {
    place.replaceChildren();
  } else if (worries.length === 0) {
    place.replaceChildren(h('p', { class: 'well' }, h('strong', null, 'Orders flow.'), ' There is nothing to do.'));
  } else {
    place.replaceChildren(
      h(
        'ul',
        null,
        worries.map(([tone, what, todo, href, link]) =>
          h(
            'li',
            { 'data-tone': tone },
            h('strong', null, what),
            ' ',
            todo,
            href ? [' ', h('a', { href }, link)] : null,
          ),
        ),
      ),
    );
  }
}

// --- The chart's points: one per bucket, zero where nothing was told ---

/** The bucket before the last one that is over: what is just over may not have been told by everybody yet. */
function lastBucket({ counts, bucketSeconds, flow }) {
  const over = Math.floor(Date.parse(flow.at) / 1_000 / bucketSeconds) * bucketSeconds;
  return Math.max(over - 2 * bucketSeconds, ...counts.placed.keys(), ...counts.settled.keys());
}

function points({ counts, bucketSeconds }, last) {
  const seconds = [];
  for (let second = last - WINDOW_SECONDS; second <= last; second += bucketSeconds) {
    seconds.push(second);
  }
  const perSecond = (told) => seconds.map((second) => (told.get(second) ?? 0) / bucketSeconds);
  return [seconds, perSecond(counts.placed), perSecond(counts.settled)];
}
