// The Jobs page: failed and dead jobs, why they failed, when they are retried, and buttons to retry or drop them.

import { get, post, remove } from './api.js';
import { address, autoRefresh, badge, button, confirmAction, h, number, plural, showError, showInfo, table, time } from './ui.js';

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
    true,
  );
  const all = button('Retry all', retryAll, { class: 'main', hidden: true });
  const tabs = VIEWS.map(([text, value]) =>
    h('a', { href: address('jobs', { dead: value }), 'aria-current': value === dead ? 'true' : null }, text),
  );
  const status = h('div');
  const pages = h('p', { class: 'pages' });
  main.append(
    h('div', { class: 'search' }, h('nav', { class: 'tabs', 'aria-label': 'Filter by state' }, tabs), all),
    status,
    list.node,
    pages,
  );

  const refresh = autoRefresh('jobs', status, REFRESH_MS, signal, async () => {
    const { body, next: more } = await get('/jobs/failed', { dead, after, limit: PAGE_ROWS }, signal);
    list.update(body);
    all.hidden = !body.some(hasOrder);
    const shown = JSON.stringify(more);
    if (pages.dataset.shown !== shown) {
      pages.dataset.shown = shown;
      pages.replaceChildren(
        ...[
          after ? h('a', { href: address('jobs', { dead }) }, '« First page') : null,
          more ? h('a', { href: address('jobs', { dead, after: more }) }, 'Next page »') : null,
        ].filter(Boolean),
      );
    }
  });

  function actions(job) {
    return h(
      'div',
      { class: 'actions' },
      hasOrder(job) ? button('Retry', () => retry(job), { 'aria-label': `Retry ${nameOf(job)}` }) : null,
      button('Drop', () => drop(job), { class: 'danger', 'aria-label': `Drop ${nameOf(job)}` }),
    );
  }

  const retry = (job) => perform(() => post(`/jobs/failed/${job.order_id}/retry`), () => `Retrying ${nameOf(job)} now.`);

  async function drop(job) {
    const text = hasOrder(job)
      ? 'The stock change that its order is waiting for is abandoned: no more stock is moved for it. This cannot be undone.'
      : 'It has no order, so nothing else changes. This cannot be undone.';
    if (await confirmAction(`Drop ${nameOf(job)}?`, text, 'Drop')) {
      await perform(() => remove(`/jobs/failed/${job.order_id}`), () => `Dropped ${nameOf(job)}.`);
      title.focus();
    }
  }

  async function retryAll() {
    if (await confirmAction('Retry all jobs?', 'Every failed or dead job that has an order is retried now, including those not shown.', 'Retry all')) {
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
    refresh();
  }
}

const hasOrder = (job) => job.order_id >= 0;
const nameOf = (job) => (hasOrder(job) ? `the job for order ${job.order_id}` : 'the job without an order');

function nextAttempt(job) {
  return job.dead_at ? h('span', null, 'none, dead since ', time(job.dead_at)) : time(job.next_attempt_at);
}
