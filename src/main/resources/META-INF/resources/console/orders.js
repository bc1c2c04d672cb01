// The Orders pages: all orders, newest first, and one order with its timeline and stock movements.

import { get, post, put } from './api.js';
import {
  address,
  autoRefresh,
  badge,
  button,
  confirmAction,
  h,
  humanize,
  number,
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
  Object.entries(order.items)
    .map(([name, quantity]) => `${number(quantity)} × ${name}`)
    .join(', ');

// --- The list ---

function showList({ main, title, params, signal }) {
  title.textContent = 'Orders';
  const query = Object.fromEntries(['user_id', 'status', 'after'].map((name) => [name, params.get(name) ?? '']));
  const list = table(
    'Orders, newest first',
    [
      { title: 'Order', cell: (o) => h('a', { href: `#/orders/${o.id}` }, `${o.id}`), value: (o) => o.id },
      { title: 'Status', cell: (o) => status(o.status), value: (o) => o.status },
      { title: 'User', cell: (o) => h('a', { href: `#/orders?user_id=${o.user_id}` }, `${o.user_id}`), value: (o) => o.user_id },
      { title: 'Items', cell: (o) => h('span', { class: 'long' }, itemSummary(o)) },
      { title: 'Placed', cell: (o) => time(o.created_at), value: (o) => o.created_at, numeric: true },
      { title: 'Updated', cell: (o) => time(o.updated_at), value: (o) => o.updated_at, numeric: true },
    ],
    (o) => o.id,
    query.user_id || query.status || query.after
      ? 'No matching orders. Try another user or status.'
      : 'No orders yet. Place one with POST /orders; see /q/swagger-ui.',
  );
  const loadStatus = h('div');
  const pages = h('p', { class: 'pages' });
  main.append(search(query, signal), loadStatus, list.node, pages);

  const isFirst = !query.after;
  autoRefresh('orders', loadStatus, isFirst ? REFRESH_MS : 0, signal, async () => {
    const { body, next } = await get('/orders', { ...query, limit: PAGE_ROWS }, signal);
    list.update(body);
    showPages(pages, query, next, isFirst);
  });
}

function showPages(container, query, next, isFirst) {
  const text = JSON.stringify(next);
  // On the first page, every new order moves the start of the next page. Replacing the link would lose its focus.
  const older = container.querySelector('.older');
  if (older && next) {
    older.href = address('orders', { ...query, after: next });
    return;
  }
  if (container.dataset.next === text) return;
  container.dataset.next = text;
  container.replaceChildren(
    ...[
      isFirst ? h('span', { class: 'hint' }, 'Refreshes every 2 seconds.') : h('a', { href: address('orders', { ...query, after: '' }) }, '« Newest'),
      next ? h('a', { class: 'older', href: address('orders', { ...query, after: next }) }, 'Older »') : h('span', { class: 'hint' }, 'No older orders.'),
    ],
  );
}

function search(query, signal) {
  const id = h('input', { id: 'order-id', inputmode: 'numeric', pattern: '[0-9]+', autocomplete: 'off' });
  const user = h('input', { id: 'user-id', inputmode: 'numeric', pattern: '[0-9]+', autocomplete: 'off', value: query.user_id });
  const choice = h('select', { id: 'status' }, h('option', { value: '' }, 'Any'));
  allStatuses(signal)
    .then((all) =>
      choice.append(
        ...all.map((one) => h('option', { value: one.status, selected: one.status === query.status }, humanize(one.status))),
      ),
    )
    .catch((problem) => signal.aborted || showError(problem));
  const submit = (event) => {
    event.preventDefault();
    location.hash = id.value ? `#/orders/${id.value}` : address('orders', { user_id: user.value, status: choice.value });
  };
  return h(
    'form',
    { class: 'search', onsubmit: submit, role: 'search' },
    h('div', null, h('label', { for: 'order-id' }, 'Order'), id),
    h('div', null, h('label', { for: 'user-id' }, 'User'), user),
    h('div', null, h('label', { for: 'status' }, 'Status'), choice),
    h('button', { type: 'submit', class: 'main' }, 'Search'),
    query.user_id || query.status ? h('a', { href: '#/orders' }, 'Show all') : null,
  );
}

// --- One order ---

function showOne({ main, title, id, signal }) {
  title.textContent = `Order ${id}`;
  const path = `/orders/${encodeURIComponent(id)}`;
  const loadStatus = h('div');
  const facts = h('dl', { class: 'facts' });
  const actions = h('div', { class: 'actions' });
  const lines = table(
    'Lines',
    [
      { title: 'Item', cell: ([name]) => h('a', { href: `#/inventory?${new URLSearchParams({ name })}` }, name), value: ([name]) => name },
      { title: 'Quantity', cell: ([, quantity]) => number(quantity), value: ([, quantity]) => quantity, numeric: true },
    ],
    ([name]) => name,
    'No lines.',
  );
  const timeline = h('ol', { class: 'timeline' });
  const movements = table(
    'Stock movements',
    [
      { title: 'When', cell: (m) => time(m.created_at), value: (m) => m.created_at },
      { title: 'Item', cell: (m) => h('a', { href: `#/inventory/${m.inventory_item_id}` }, m.item), value: (m) => m.item },
      { title: 'Kind', cell: (m) => badge(humanize(kindOf(m))), value: (m) => m.kind },
      { title: 'Change', cell: (m) => signed(m.delta), value: (m) => m.delta, numeric: true },
      { title: 'Quantity after', cell: (m) => number(m.quantity_after), value: (m) => m.quantity_after, numeric: true },
    ],
    (m) => m.id,
    'No stock movements for this order.',
  );
  const content = h(
    'div',
    { hidden: true },
    h('section', { class: 'card' }, facts, actions),
    h(
      'div',
      { class: 'columns' },
      h('section', { class: 'card' }, h('h2', null, 'Timeline'), timeline),
      h('section', { class: 'card' }, h('h2', null, 'Lines'), lines.node),
    ),
    h('section', { class: 'card' }, h('h2', null, 'Stock movements'), movements.node),
  );
  main.append(h('p', { class: 'back' }, h('a', { href: '#/orders' }, '« Orders')), loadStatus, content);

  const shown = { etag: null, order: null, user: null };

  const refresh = autoRefresh('order', loadStatus, REFRESH_MS, signal, async () => {
    const order = await get(path, {}, signal);
    const [events, stockMovements] = await Promise.all([
      get(`${path}/events`, {}, signal),
      get(`${path}/movements`, {}, signal),
    ]);
    shown.user ??= (await get(`/users/${order.body.user_id}`, {}, signal)).body;
    const known = (await allStatuses(signal)).find((one) => one.status === order.body.status);
    content.hidden = false;
    showFacts(order, known?.allowed ?? []);
    lines.update(Object.entries(order.body.items));
    showTimeline(timeline, events.body);
    movements.update(stockMovements.body);
  });

  function showFacts({ body: order, etag }, allowed) {
    if (shown.etag === etag) return;
    shown.etag = etag;
    const hadFocus = actions.contains(document.activeElement);
    facts.replaceChildren(
      ...[
        ['Status', status(order.status)],
        ['User', [h('a', { href: `#/orders?user_id=${order.user_id}` }, shown.user.name), ` (${order.user_id})`]],
        ['Placed', time(order.created_at)],
        ['Updated', time(order.updated_at)],
      ].flatMap(([name, value]) => [h('dt', null, name), h('dd', { 'data-fact': name }, value)]),
    );
    actions.replaceChildren(
      ...allowed.map((to) =>
        to === 'Cancelled'
          ? button('Cancel order', cancel, { class: 'danger', 'data-to': to })
          : button(humanize(to), () => change(to), { 'data-to': to }),
      ),
    );
    if (allowed.length === 0) {
      actions.append(h('p', { class: 'hint' }, `No further changes: the order is ${humanize(order.status).toLowerCase()}.`));
    }
    if (hadFocus) title.focus();
  }

  async function cancel() {
    const etag = shown.etag;
    const text = 'Any stock deducted for it is returned. This cannot be undone.';
    if (await confirmAction(`Cancel order ${id}?`, text, 'Cancel order')) {
      await perform(() => post(`${path}/cancel`, etag), `Order ${id} cancelled.`);
    }
  }

  const change = (to) =>
    perform(() => put(`${path}/update_status`, { status: to }, shown.etag), `Order ${id} is now ${humanize(to).toLowerCase()}.`);

  async function perform(call, message) {
    try {
      await call();
      showInfo(message);
    } catch (problem) {
      if (problem.status === 412) {
        problem.message = 'The order changed in the meantime, so nothing was done. Check its current state and try again.';
      }
      showError(problem);
    }
    refresh();
  }
}

const KINDS = { OPENING: 'Opening', DEDUCTION: 'Deduction', RESTORATION: 'Restoration', CORRECTION: 'Correction' };

export const kindOf = ({ kind }) => KINDS[kind] ?? kind;

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
        h('span', { class: 'hint' }, time(at), ' by ', h('span', { class: 'by' }, by)),
      ),
    ),
  );
  if (events.length === 0) {
    container.append(h('li', null, 'No events: the order is older than the timeline.'));
  }
}
