// The Jobs page: failed and dead jobs, why they failed, when they are retried, and buttons to retry or drop them.

import { get, may, post, remove } from './api.js';
import { action, address, ask, autoRefresh, badge, h, number, pager, plural, showError, showInfo, table, time } from './ui.js';

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
    'Failed jobs',
    [
      { title: 'Order', cell: (j) => (hasOrder(j) ? h('a', { href: `#/orders/${j.order_id}` }, `${j.order_id}`) : 'none'), value: (j) => j.order_id },
      { title: 'State', cell: (j) => (j.dead_at ? badge('Dead', 'bad') : badge('Failed', 'warn')), value: (j) => (j.dead_at ? 1 : 0) },
      { title: 'Attempts', cell: (j) => number(j.attempts), value: (j) => j.attempts, numeric: true },
      { title: 'Error', cell: (j) => h('span', { class: 'error' }, j.last_error ?? '–'), value: (j) => j.last_error },
      { title: 'Next attempt', cell: nextAttempt, value: (j) => j.next_attempt_at ?? j.dead_at, numeric: true },
      { title: 'Actions', cell: actions },
    ],
    (j) => j.order_id,
    [
      h('p', null, dead === 'true' ? 'No dead jobs.' : dead === 'false' ? 'No failed jobs waiting for a retry.' : 'No failed jobs.'),
      h('p', { class: 'hint' }, 'A failing job is tried 25 times within three weeks, after which it is dead.'),
    ],
  );
  const all = action('Retry all', retryAll, { class: 'main', hidden: true });
  const tabs = VIEWS.map(([text, value]) =>
    h('a', { href: address('jobs', { dead: value }), 'aria-current': value === dead ? 'true' : null }, text),
  );
  const status = h('div');
  const pages = pager('jobs', { dead }, params, { first: '« First page', previous: '‹ Previous page', next: 'Next page ›' });
  main.append(
    h('div', { class: 'search' }, h('nav', { class: 'tabs', 'aria-label': 'Filter by state' }, tabs), all),
    status,
    list.node,
    pages.node,
  );

  const refresh = autoRefresh('jobs', status, REFRESH_MS, signal, async () => {
    const { body, next } = await get('/jobs/failed', { dead, after, limit: PAGE_ROWS }, signal);
    list.update(body, Boolean(after || next));
    all.hidden = !may('jobs:write') || !body.some(hasOrder);
    pages.update(next);
  });

  function actions(job) {
    if (!may('jobs:write')) return '–';
    return h(
      'div',
      { class: 'actions' },
      hasOrder(job) ? action('Retry', () => retry(job), { 'aria-label': `Retry ${nameOf(job)}` }) : null,
      action('Drop', () => drop(job), { class: 'danger', 'aria-label': `Drop ${nameOf(job)}` }),
    );
  }

  async function retry(job) {
    await perform(() => post(`/jobs/failed/${job.order_id}/retry`), () => `Retrying ${nameOf(job)} now.`);
    // Its row, and with it the button, is gone.
    if (document.activeElement === document.body) title.focus();
  }

  async function drop(job) {
    const text = hasOrder(job)
      ? 'The stock change that its order is waiting for is abandoned: no more stock is moved for it. This cannot be undone.'
      : 'It has no order, so nothing else changes. This cannot be undone.';
    if (await ask({ title: `Drop ${nameOf(job)}?`, text, go: 'Drop', signal })) {
      await perform(() => remove(`/jobs/failed/${job.order_id}`), () => `Dropped ${nameOf(job)}.`);
      title.focus();
    }
  }

  async function retryAll() {
    const text = 'Every failed or dead job that has an order is retried now, including those not shown.';
    if (await ask({ title: 'Retry all jobs?', text, go: 'Retry all', signal })) {
      await perform(() => post('/jobs/failed/retry'), ({ retried }) => `Retrying ${plural(retried, 'job')} now.`);
      title.focus();
    }
  }

  async function perform(call, message) {
    try {
      const { body } = await call();
      showInfo(message(body));
    } catch (problem) {
      showError(problem);
    }
    await refresh();
  }
}

const hasOrder = (job) => job.order_id >= 0;
const nameOf = (job) => (hasOrder(job) ? `the job for order ${job.order_id}` : 'the job without an order');

function nextAttempt(job) {
  return job.dead_at ? h('span', null, 'none, dead since ', time(job.dead_at)) : time(job.next_attempt_at);
}
