// The Webhooks pages: where events are sent, how far each receiver is behind, and every attempt.

import { get, may, patch, post, remove } from './api.js';
import { action, address, ask, autoRefresh, badge, duration, h, name, number, pager, plural, setEnabled, showError, showInfo, showSecret, table, time } from './ui.js';

const REFRESH_MS = 2_000;
const PAGE_ROWS = 50;
const PAGES = { first: '« First page', previous: '‹ Previous page', next: 'Next page ›' };
const REASONS = { operator: 'disabled', gone: 'disabled: the receiver answered 410 Gone', failing: 'disabled: it failed for days' };
const VIEWS = [
  ['All', ''],
  ['Failed', 'failed'],
  ['Succeeded', 'succeeded'],
];

export function show(page) {
  return page.id ? showOne(page) : showList(page);
}

function showList({ main, title, params, signal }) {
  title.textContent = 'Webhooks';
  const after = params.get('after') ?? '';
  const list = table(
    'Webhooks, newest first',
    [
      { title: 'URL', cell: (w) => h('a', { class: 'long', href: `#/webhooks/${w.id}` }, name(w.url)), value: (w) => w.url },
      { title: 'Description', cell: (w) => name(w.description || '–'), value: (w) => w.description },
      { title: 'State', cell: state, value: stateText },
      { title: 'Lag', cell: lag, value: (w) => w.lag_seconds, numeric: true },
      { title: 'Success, 24 h', cell: success, value: (w) => w.last_day.success_rate, numeric: true },
      { title: 'Last failure', cell: lastFailure, value: (w) => w.last_failure?.at },
    ],
    (w) => w.id,
    'No webhooks.',
  );
  const status = h('div');
  const pages = pager('webhooks', {}, params, PAGES);
  main.append(
    h('div', { class: 'search' }, action('Create webhook…', create, { id: 'create', class: 'main', hidden: !may('webhooks:write') })),
    status,
    list.node,
    pages.node,
  );

  const refresh = autoRefresh('webhooks', status, REFRESH_MS, signal, async () => {
    const { body, next } = await get('/webhooks', { after, limit: PAGE_ROWS }, signal);
    list.update(body, Boolean(after || next));
    pages.update(next);
  });

  async function create() {
    const fields = inputs({ url: '', types: [], description: '' });
    await ask({
      title: 'Create a webhook',
      text: 'Events from now on are sent to this address, signed with a secret that is shown once.',
      fields: labelled(fields),
      go: 'Create webhook',
      tone: 'main',
      perform: async () => reveal(title, (await post('/webhooks', { body: entered(fields) })).body),
      signal,
    });
    await refresh();
  }
}

function showOne({ main, title, id, params, signal }) {
  title.textContent = `Webhook ${id}`;
  const path = `/webhooks/${id}`;
  const outcome = params.get('outcome') ?? '';
  const after = params.get('after') ?? '';
  const facts = h('dl', { class: 'facts' });
  const toggle = action('Disable', () => (shown.disabled_at ? enable() : disable()));
  const keep = action('Keep disabled…', keepDisabled, { hidden: true });
  const test = action('Send a test event', () => perform(() => post(`${path}/test`), 'A test event is being sent. See below what becomes of it.'));
  const again = action('Send again from…', replay);
  let shown = null;
  const attempts = table(
    'Attempts, newest first',
    [
      { title: 'When', cell: (a) => time(a.attempted_at), value: (a) => a.attempted_at },
      { title: 'Event', cell: event, value: (a) => a.type },
      { title: 'Attempt', cell: (a) => number(a.attempt), value: (a) => a.attempt, numeric: true },
      { title: 'Outcome', cell: result, value: (a) => a.outcome },
      { title: 'Took', cell: (a) => `${number(a.duration_ms)} ms`, value: (a) => a.duration_ms, numeric: true },
      { title: 'Response', cell: (a) => h('span', { class: 'error' }, a.response ? name(a.response) : '–') },
      { title: 'Actions', cell: (a) => h('div', { class: 'actions' }, action('Send again', () => sendAgain(a), { 'aria-label': `Send the event of attempt ${a.id} again` })) },
    ],
    (a) => a.id,
    'No attempts in the last days.',
  );
  const tabs = VIEWS.map(([text, value]) =>
    h('a', { href: address(`webhooks/${id}`, { outcome: value }), 'aria-current': value === outcome ? 'true' : null }, text),
  );
  const status = h('div');
  const pages = pager(`webhooks/${id}`, { outcome }, params, PAGES);
  const content = h(
    'div',
    { hidden: true },
    h(
      'section',
      { class: 'card' },
      facts,
      h(
        'div',
        { class: 'actions' },
        test,
        action('Change…', change),
        action('Replace secret…', rotate),
        again,
        toggle,
        keep,
        action('Delete…', drop, { class: 'danger' }),
      ),
    ),
    h('section', { class: 'card' }, h('h2', null, 'Attempts'), h('nav', { class: 'tabs', 'aria-label': 'Filter by outcome' }, tabs), attempts.node, pages.node),
  );
  main.append(h('p', { class: 'back' }, h('a', { href: '#/webhooks' }, '« Webhooks')), status, content);

  const refresh = autoRefresh('webhook', status, REFRESH_MS, signal, async () => {
    const [webhook, page] = await Promise.all([
      get(path, {}, signal),
      get(`${path}/attempts`, { outcome, after, limit: PAGE_ROWS }, signal),
    ]);
    // Left alone while nothing changes, so that a selection survives.
    if (JSON.stringify(webhook.body) !== JSON.stringify(shown)) {
      shown = webhook.body;
      showFacts();
    }
    content.hidden = false;
    attempts.update(page.body, Boolean(after || page.next));
    attempts.node.querySelectorAll('tbody [data-action]').forEach((element) => setEnabled(element, !shown.disabled_at));
    pages.update(page.next);
  });

  function showFacts() {
    const isEnabled = !shown.disabled_at;
    facts.replaceChildren(
      ...[
        ['URL', h('span', { class: 'long' }, name(shown.url))],
        shown.description ? ['Description', name(shown.description)] : null,
        ['State', state(shown)],
        shown.disabled_at ? ['Since', [time(shown.disabled_at), shown.disabled_by ? [' by ', name(shown.disabled_by)] : []].flat()] : null,
        shown.failing_since ? ['Failing since', time(shown.failing_since)] : null,
        shown.paused_until ? ['Next attempt', time(shown.paused_until)] : null,
        ['Lag', lag(shown)],
        ['Success, 24 h', success(shown)],
        ['Last failure', lastFailure(shown)],
        ['Types', shown.types.length ? shown.types.join(', ') : 'all'],
        shown.previous_secret_until ? ['Previous secret ends', time(shown.previous_secret_until)] : null,
        ['Created', [time(shown.created_at), ' by ', name(shown.created_by)]],
        ['Updated', [time(shown.updated_at), ' by ', name(shown.updated_by)]],
      ]
        .filter(Boolean)
        .flatMap(([label, value]) => [h('dt', null, label), h('dd', { 'data-fact': label }, value)]),
    );
    toggle.textContent = isEnabled ? 'Disable…' : 'Enable…';
    keep.hidden = isEnabled || shown.disabled_reason === 'operator';
    setEnabled(test, isEnabled);
    setEnabled(again, isEnabled);
  }

  async function change() {
    const fields = inputs(shown);
    await ask({
      title: `Change webhook ${id}`,
      text: 'Requests already under way are not affected.',
      fields: labelled(fields),
      go: 'Change webhook',
      tone: 'main',
      perform: async () => {
        await patch(path, entered(fields));
        showInfo(`Webhook ${id} is changed.`);
      },
      signal,
    });
    await refresh();
  }

  async function rotate() {
    await ask({
      title: `Replace the secret of webhook ${id}?`,
      text: shown.previous_secret_until
        ? 'A new secret is shown once. For 24 hours it signs together with the one from before the last replacement. The current one ends at once: if the receiver has it already, wait until the previous secret has ended.'
        : 'A new secret is shown once. For 24 hours both sign, so that the receiver can be changed meanwhile.',
      go: 'Replace secret',
      perform: async () => reveal(title, (await post(`${path}/rotate_secret`)).body),
      signal,
    });
    await refresh();
  }

  async function disable() {
    const text = 'Nothing more is sent until it is enabled. Nothing is lost: it resumes where it stopped.';
    if (await ask({ title: `Disable webhook ${id}?`, text, go: 'Disable', signal })) {
      await perform(() => post(`${path}/disable`), `Webhook ${id} is disabled.`);
    }
  }

  async function keepDisabled() {
    const text = 'OMS has disabled it, and reports that until somebody enables it, or decides that it stays disabled.';
    if (await ask({ title: `Keep webhook ${id} disabled?`, text, go: 'Keep disabled', signal })) {
      await perform(() => post(`${path}/disable`), `Webhook ${id} stays disabled.`);
    }
  }

  async function enable() {
    const from = h(
      'select',
      { id: 'from', autofocus: true },
      h('option', { value: '' }, 'Where it stopped'),
      h('option', { value: 'now' }, 'Now, without what has happened since'),
    );
    await ask({
      title: `Enable webhook ${id}?`,
      text: 'Its events are sent again.',
      fields: [['Begin', from]],
      go: 'Enable',
      tone: 'main',
      perform: async () => {
        await post(`${path}/enable`, { body: { from_now: from.value === 'now' } });
        showInfo(`Webhook ${id} is enabled.`);
      },
      signal,
    });
    await refresh();
  }

  async function replay() {
    const cursor = h('input', { id: 'cursor', required: true, autocomplete: 'off', autofocus: true });
    await ask({
      title: `Send events again to webhook ${id}?`,
      text: 'Everything after the event with this id is sent again, in order, also what has been delivered.',
      fields: [['Id of an event', cursor]],
      go: 'Send again',
      perform: async () => {
        await post(`${path}/replay`, { body: { after: cursor.value.trim() } });
        showInfo('The events are being sent again.');
      },
      signal,
    });
    await refresh();
  }

  async function drop() {
    const text = 'Nothing more is sent to it. This cannot be undone; to keep it for later, disable it.';
    if (await ask({ title: `Delete webhook ${id}?`, text, go: 'Delete', signal })) {
      try {
        await remove(path);
        showInfo(`Webhook ${id} is deleted.`);
        location.hash = '#/webhooks';
      } catch (problem) {
        showError(problem);
        await refresh();
      }
    }
  }

  const sendAgain = (attempt) =>
    perform(() => post(`${path}/attempts/${attempt.id}/retry`), 'The event is being sent again. See above what becomes of it.');

  async function perform(call, message) {
    try {
      await call();
      showInfo(message);
    } catch (problem) {
      showError(problem);
    }
    await refresh();
  }
}

// --- What a webhook is ---

const stateText = (w) => (w.disabled_at ? 'disabled' : w.failing_since ? 'failing' : 'enabled');

function state(w) {
  if (w.disabled_at) return badge(REASONS[w.disabled_reason] ?? 'disabled', w.disabled_reason === 'operator' ? 'off' : 'bad');
  return w.failing_since ? badge('failing', 'warn') : badge('enabled', 'ok');
}

const lag = (w) => (w.lag_events === 0 ? 'none' : `${plural(w.lag_events, 'event')}, ${duration(w.lag_seconds)}`);

function success({ last_day: { succeeded, failed, success_rate: rate } }) {
  // Never 100 % when something failed.
  const percent = rate === null ? '–' : `${number(Math.floor(rate * 1_000) / 10)} %`;
  return rate === null ? percent : `${percent} of ${number(succeeded + failed)}`;
}

function lastFailure({ last_failure: failure }) {
  return failure ? h('span', null, name(failure.reason ?? `status ${failure.status}`), ', ', time(failure.at)) : 'none';
}

// --- What an attempt is ---

function event(attempt) {
  const link = { order: 'orders', item: 'inventory' }[attempt.subject];
  return h(
    'span',
    { title: attempt.event_id ?? '' },
    attempt.type,
    link ? [' of ', h('a', { href: `#/${link}/${attempt.subject_id}` }, `${attempt.subject} ${attempt.subject_id}`)] : null,
    attempt.event_id ? h('span', { class: 'hint' }, ' id ', h('code', null, attempt.event_id)) : null,
  );
}

const result = (a) =>
  a.outcome === 'succeeded' ? badge(`${a.status}`, 'ok') : h('span', null, badge('failed', 'bad'), ' ', name(a.reason ?? `status ${a.status}`));

// --- What an operator enters ---

const inputs = ({ url, types, description }) => ({
  url: h('input', { id: 'url', type: 'url', required: true, maxlength: '2000', autocomplete: 'off', autofocus: true, value: url }),
  types: h('input', { id: 'types', autocomplete: 'off', spellcheck: 'false', value: types.join(', ') }),
  description: h('input', { id: 'description', maxlength: '255', autocomplete: 'off', value: description }),
});

const labelled = ({ url, types, description }) => [
  ['URL of the receiver', url],
  ['Types of events, such as order.confirmed, order.rejected (all if empty)', types],
  ['Description (optional)', description],
];

const entered = ({ url, types, description }) => ({
  url: url.value.trim(),
  types: types.value.split(/[\s,]+/).filter(Boolean),
  description: description.value.trim(),
});

const reveal = (title, { id, secret }) =>
  showSecret(title, `The secret of webhook ${id}`, secret, 'The receiver verifies signatures with it.');
