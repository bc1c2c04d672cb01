// The Orders pages: all orders, newest first, and one order with its timeline and stock movements.

import { caller, get, may, post, put } from './api.js';
import {
  action,
  address,
  ask,
  autoRefresh,
  badge,
  h,
  humanize,
  kindOf,
  name,
  number,
  pager,
  setEnabled,
  showError,
  showInfo,
  signed,
  status,
  table,
  time,
} from './ui.js';

const REFRESH_MS = 2_000;
const PAGE_ROWS = 25;

export const show = (view) => (view.id ? showOne(view) : showList(view));

let statuses = null;

/** Every status, with the transitions that the service allows from it. */
async function allStatuses(signal) {
  statuses ??= (await get('/order_statuses', {}, signal)).body;
  return statuses;
}

const itemSummary = (order) =>
  Object.entries(order.items).map(([item, quantity], i) => [i ? ', ' : '', `${number(quantity)} × `, name(item)]);

// --- The list ---

function showList({ main, title, params, signal }) {
  title.textContent = 'Orders';
  const after = params.get('after') ?? '';
  const query = Object.fromEntries(['user_id', 'status'].map((key) => [key, params.get(key) ?? '']));
  const list = table(
    'Orders, newest first',
    [
      { title: 'Order', cell: (o) => h('a', { href: `#/orders/${o.id}` }, `${o.id}`), value: (o) => o.id },
      { title: 'Status', cell: (o) => status(o.status), value: (o) => o.status },
      { title: 'User', cell: (o) => h('a', { href: `#/orders?user_id=${o.user_id}` }, `${o.user_id}`), value: (o) => o.user_id },
      { title: 'Items', cell: (o) => h('span', { class: 'long' }, itemSummary(o).flat()) },
      { title: 'Placed', cell: (o) => time(o.created_at), value: (o) => o.created_at, numeric: true },
      { title: 'Updated', cell: (o) => time(o.updated_at), value: (o) => o.updated_at, numeric: true },
    ],
    (o) => o.id,
    query.user_id || query.status || after
      ? 'No matching orders. Try another user or status.'
      : 'No orders yet. Place one with POST /orders; see /q/openapi.',
  );
  const loadStatus = h('div');
  const texts = { first: '« Newest', previous: '‹ Newer', next: 'Older ›' };
  const pages = pager('orders', query, params, texts, 'Refreshes every 2 seconds.');
  const form = search(query);
  main.append(form.node, loadStatus, list.node, pages.node);

  autoRefresh('orders', loadStatus, after ? 0 : REFRESH_MS, signal, async () => {
    const { body, next } = await get('/orders', { ...query, after, limit: PAGE_ROWS }, signal);
    list.update(body, Boolean(after || next));
    pages.update(next);
    form.setStatuses(await allStatuses(signal));
  });
}

/** A number as people write it, such as " #10001 ". */
const NUMBER_PATTERN = '\\s*#?\\s*[0-9]+\\s*';
const numberIn = (field) => field.value.replace(/[^0-9]/g, '').replace(/^0+(?=[0-9])/, '');

function search(query) {
  const id = h('input', { id: 'order-id', inputmode: 'numeric', pattern: NUMBER_PATTERN, autocomplete: 'off' });
  const user = h('input', { id: 'user-id', inputmode: 'numeric', pattern: NUMBER_PATTERN, autocomplete: 'off', value: query.user_id });
  const choice = h('select', { id: 'status' });
  const offer = (statuses) =>
    choice.append(...statuses.map((one) => h('option', { value: one, selected: one === query.status }, humanize(one))));
  choice.append(h('option', { value: '' }, 'Any'));
  // The one that the list is filtered by is there before the others are, and if they cannot be loaded.
  offer([query.status].filter(Boolean));
  const setStatuses = (all) => {
    if (choice.options.length > all.length) return;
    const chosen = choice.value;
    [...choice.options].slice(1).forEach((option) => option.remove());
    offer(all.map((one) => one.status));
    choice.value = chosen;
  };
  const submit = (event) => {
    event.preventDefault();
    location.hash = numberIn(id) ? `#/orders/${numberIn(id)}` : address('orders', { user_id: numberIn(user), status: choice.value });
  };
  const node = h(
    'form',
    { class: 'search', onsubmit: submit, role: 'search' },
    h('div', null, h('label', { for: 'order-id' }, 'Order'), id),
    h('div', null, h('label', { for: 'user-id' }, 'User'), user),
    h('div', null, h('label', { for: 'status' }, 'Status'), choice),
    h('button', { type: 'submit', class: 'main' }, 'Search'),
    query.user_id || query.status ? h('a', { href: '#/orders' }, 'Show all') : null,
  );
  return { node, setStatuses };
}

// --- One order ---

function showOne({ main, title, id, signal }) {
  title.textContent = `Order ${id}`;
  const path = `/orders/${encodeURIComponent(id)}`;
  const loadStatus = h('div');
  const facts = h('dl', { class: 'facts' });
  const actions = h('div', { class: 'actions' });
  const outcome = h('p', { class: 'hint' });
  const lines = table(
    'Lines',
    [
      { title: 'Item', cell: (l) => h('a', { class: 'long', href: itemAddress(l) }, name(l.item)), value: (l) => l.item },
      { title: 'Quantity', cell: (l) => number(l.quantity), value: (l) => l.quantity, numeric: true },
    ],
    (l) => l.item,
    'No lines.',
  );
  const timeline = h('ol', { class: 'timeline' });
  const movements = table(
    'Stock movements',
    [
      { title: 'When', cell: (m) => time(m.created_at), value: (m) => m.created_at },
      { title: 'Item', cell: (m) => h('a', { class: 'long', href: `#/inventory/${m.inventory_item_id}` }, name(m.item)), value: (m) => m.item },
      { title: 'Kind', cell: (m) => badge(kindOf(m)), value: (m) => m.kind },
      { title: 'Change', cell: (m) => signed(m.delta), value: (m) => m.delta, numeric: true },
      { title: 'Quantity after', cell: (m) => number(m.quantity_after), value: (m) => m.quantity_after, numeric: true },
    ],
    (m) => m.id,
    'No stock movements for this order.',
  );
  const content = h(
    'div',
    { hidden: true },
    h('section', { class: 'card' }, facts, actions, outcome),
    h(
      'div',
      { class: 'columns' },
      h('section', { class: 'card' }, h('h2', null, 'Timeline'), timeline),
      h('section', { class: 'card' }, h('h2', null, 'Lines'), lines.node),
    ),
    h('section', { class: 'card' }, h('h2', null, 'Stock movements'), movements.node),
  );
  main.append(h('p', { class: 'back' }, h('a', { href: '#/orders' }, '« Orders')), loadStatus, content);

  const shown = { etag: null, user: null };
  const buttons = new Map();

  const refresh = autoRefresh('order', loadStatus, REFRESH_MS, signal, async () => {
    const order = await get(path, {}, signal);
    // Every event and every movement of an order changes its version.
    if (order.etag === shown.etag) return;
    const [events, stockMovements, statuses] = await Promise.all([
      get(`${path}/events`, {}, signal),
      get(`${path}/movements`, {}, signal),
      allStatuses(signal),
    ]);
    if (may('users:read')) shown.user ??= (await get(`/users/${order.body.user_id}`, {}, signal)).body;
    content.hidden = false;
    showFacts(order.body);
    showActions(order.body, statuses);
    lines.update(linesOf(order.body, stockMovements.body));
    showTimeline(timeline, events.body);
    movements.update(stockMovements.body);
    shown.etag = order.etag;
  });

  function showFacts(order) {
    facts.replaceChildren(
      ...[
        ['Status', status(order.status)],
        order.short?.length ? ['Short of', order.short.map((item, i) => [i ? ', ' : '', name(item)]).flat()] : null,
        ['User', userOf(order)],
        ['Placed', time(order.created_at)],
        ['Updated', time(order.updated_at)],
      ]
        .filter(Boolean)
        .flatMap(([label, value]) => [h('dt', null, label), h('dd', { 'data-fact': label }, value)]),
    );
  }

  function userOf({ user_id: user }) {
    const link = (text) => h('a', { href: `#/orders?user_id=${user}` }, text);
    return shown.user ? [link(name(shown.user.name)), ` (${user})`] : link(`${user}`);
  }

  /** Every button keeps its place, whatever the status: the next one must not appear under the pointer. */
  function showActions(order, statuses) {
    const isFinal = (one) => statuses.find(({ status }) => status === one)?.allowed.length === 0;
    if (buttons.size === 0) {
      const settable = new Set(may('orders:write') ? statuses.flatMap(({ allowed }) => allowed) : []);
      // Whose key is bound to a user may only cancel.
      if (caller.user_id !== null) settable.forEach((to) => to === 'Cancelled' || settable.delete(to));
      for (const { status: to } of statuses.filter(({ status }) => settable.has(status))) {
        const text = to === 'Cancelled' ? 'Cancel order' : humanize(to);
        const properties = { 'data-to': to, class: to === 'Cancelled' ? 'danger' : null };
        buttons.set(to, action(text, () => (isFinal(to) ? changeForGood(to) : change(to, shown.etag)), properties));
      }
      actions.replaceChildren(...buttons.values());
    }
    const allowed = statuses.find(({ status }) => status === order.status)?.allowed ?? [];
    buttons.forEach((element, to) => setEnabled(element, allowed.includes(to)));
    outcome.textContent = allowed.length ? '' : `No further changes: the order is ${humanize(order.status).toLowerCase()}.`;
  }

  async function changeForGood(to) {
    // The version that the operator decides about.
    const { etag } = shown;
    const question =
      to === 'Cancelled'
        ? { title: `Cancel order ${id}?`, text: 'Any stock deducted for it is returned. This cannot be undone.', go: 'Cancel order' }
        : {
            title: `Mark order ${id} as ${humanize(to).toLowerCase()}?`,
            text: 'After that, it can be neither changed nor cancelled.',
            go: `Mark as ${humanize(to).toLowerCase()}`,
          };
    if (await ask({ ...question, signal })) await change(to, etag);
  }

  const change = (to, etag) =>
    to === 'Cancelled'
      ? perform(to, () => post(`${path}/cancel`, { etag }), `Order ${id} cancelled.`)
      : perform(to, () => put(`${path}/update_status`, { status: to }, etag), `Order ${id} is now ${humanize(to).toLowerCase()}.`);

  async function perform(to, call, message) {
    try {
      await call();
      showInfo(message);
    } catch (problem) {
      if (problem.status === 412) {
        await explainChange(to, problem);
      } else if (!problem.isRefusal) {
        problem.message += ' Check the order before you repeat it.';
      }
      showError(problem);
    }
    await refresh();
  }

  /** By somebody else, or by this very request, whose first response was lost and which the browser has repeated. */
  async function explainChange(to, problem) {
    const now = await get(path, {}, signal).then(({ body }) => humanize(body.status).toLowerCase(), () => 'unknown');
    problem.message =
      now === humanize(to).toLowerCase()
        ? `The order is ${now} already. The timeline shows who did it.`
        : `The order changed in the meantime, and its status is ${now}. Check it and try again.`;
  }
}

/** The lines of an order, each with its item's id if stock was moved for it. */
function linesOf(order, movements) {
  const ids = new Map(movements.map((m) => [m.item, m.inventory_item_id]));
  return Object.entries(order.items).map(([item, quantity]) => ({ item, quantity, id: ids.get(item) }));
}

/** By id if it is known: since the order was placed, the item may have been renamed or archived. */
const itemAddress = ({ id, item }) => (id ? `#/inventory/${id}` : address('inventory', { name: item }));

const EVENTS = {
  Placed: 'Placed',
  Received: 'Received by the shop',
  Confirmed: 'Confirmed: stock deducted',
  Rejected: 'Rejected: not enough stock',
  OutForDelivery: 'Out for delivery',
  Delivered: 'Delivered',
  Cancelled: 'Cancelled',
  Restored: 'Restored: stock returned',
  Abandoned: 'Abandoned: job dropped',
};

function showTimeline(container, events) {
  const text = JSON.stringify(events);
  if (container.dataset.shown === text) return;
  container.dataset.shown = text;
  container.replaceChildren(
    ...events.map(({ event, at, by }) =>
      h(
        'li',
        { 'data-event': event },
        h('strong', null, EVENTS[event] ?? humanize(event)),
        h('span', { class: 'hint' }, time(at), ' by ', h('span', { class: 'by' }, name(by))),
      ),
    ),
  );
  if (events.length === 0) {
    container.append(h('li', null, 'No events: the order is older than the timeline.'));
  }
}
