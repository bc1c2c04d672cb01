// Jobs that failed: why, when they are tried again, and what to do about them.

import { get, post, remove } from './api.js';
import { address, ask, badge, button, h, keep, number, plural, say, table, time, warn } from './ui.js';

const REFRESH_MS = 2_000;
const PAGE_ROWS = 50;
const VIEWS = [
  ['All', ''],
  ['Dead', 'true'],
  ['Failed', 'false'],
];

export function show({ main, title, params, signal }) {
  title.textContent = 'Jobs';
  const dead = params.get('dead') ?? '';
  const after = params.get('after') ?? '';
  const list = table(
    'Jobs that failed',
    [
      { title: 'Order', cell: (j) => (hasOrder(j) ? h('a', { href: `#/orders/${j.order_id}` }, `${j.order_id}`) : 'none'), value: (j) => j.order_id },
      { title: 'State', cell: (j) => (j.dead_at ? badge('Dead', 'bad') : badge('Failed', 'warn')), value: (j) => (j.dead_at ? 1 : 0) },
      { title: 'Attempts', cell: (j) => number(j.attempts), value: (j) => j.attempts, numeric: true },
      { title: 'Error', cell: (j) => h('span', { class: 'error' }, j.last_error ?? '–'), value: (j) => j.last_error },
      { title: 'Next attempt', cell: next, value: (j) => j.next_attempt_at ?? j.dead_at, numeric: true },
      { title: 'What to do', cell: (j) => whatToDo(j) },
    ],
    (j) => j.order_id,
    [
      h('p', null, dead === 'true' ? 'No job is dead.' : dead === 'false' ? 'No failed job waits for its next attempt.' : 'No job has failed.'),
      h('p', { class: 'hint' }, 'A job that fails is tried 25 times within three weeks, and is dead then.'),
    ],
    true,
  );
  const all = button('Retry all', retryAll, { class: 'main', hidden: true });
  const tabs = VIEWS.map(([text, value]) =>
    h('a', { href: address('jobs', { dead: value }), 'aria-current': value === dead ? 'true' : null }, text),
  );
  const place = h('div');
  const pages = h('p', { class: 'pages' });
  main.append(
    h('div', { class: 'search' }, h('nav', { class: 'tabs', 'aria-label': 'Which jobs' }, tabs), all),
    place,
    list.node,
    pages,
  );

  const refresh = keep('jobs', place, REFRESH_MS, signal, async () => {
    const { body, next: more } = await get('/jobs/failed', { dead, after, limit: PAGE_ROWS }, signal);
    list.update(body);
    all.hidden = !body.some(hasOrder);
    const shown = JSON.stringify(more);
    if (pages.dataset.shown !== shown) {
      pages.dataset.shown = shown;
      pages.replaceChildren(
        ...[
          after ? h('a', { href: address('jobs', { dead }) }, '« First') : null,
          more ? h('a', { href: address('jobs', { dead, after: more }) }, 'More »') : null,
        ].filter(Boolean),
      );
    }
  });

  function whatToDo(job) {
    return h(
      'div',
      { class: 'actions' },
      hasOrder(job) ? button('Retry', () => make(() => post(`/jobs/failed/${job.order_id}/retry`), () => `${nameOf(job)} is tried again at once.`), { 'aria-label': `Retry ${nameOf(job)}` }) : null,
      button('Drop', () => drop(job), { class: 'danger', 'aria-label': `Drop ${nameOf(job)}` }),
    );
  }

  async function drop(job) {
    const text = hasOrder(job)
      ? 'What is due of its order is given up with it: no stock is moved any more. This cannot be undone.'
      : 'It names no order, so nothing else changes. This cannot be undone.';
    if (await ask(`Drop ${nameOf(job)}?`, text, 'Drop')) {
      await make(() => remove(`/jobs/failed/${job.order_id}`), () => `${nameOf(job)} is dropped.`);
      title.focus();
    }
  }

  async function retryAll() {
    if (await ask('Retry all jobs?', 'Every failed or dead job that has an order is tried again at once, also those that are not shown.', 'Retry all')) {
      await make(() => post('/jobs/failed/retry'), ({ retried }) => `${plural(retried, 'job is', 'jobs are')} tried again at once.`);
      title.focus();
    }
  }

  async function make(call, done) {
    try {
      const { body } = await call();
      say(done(body));
    } catch (problem) {
      warn(problem);
    }
    refresh();
  }
}

const hasOrder = (job) => job.order_id >= 0;
const nameOf = (job) => (hasOrder(job) ? `The job of order ${job.order_id}` : 'The job without an order');

function next(job) {
  return job.dead_at ? h('span', null, 'none, dead since ', time(job.dead_at)) : time(job.next_attempt_at);
}
