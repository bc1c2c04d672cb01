// Orders: a page of them, newest first, and one of them with all that happened to it.

import { get, post, put } from './api.js';
import { address, ask, badge, button, h, keep, number, say, signed, status, table, time, warn, words } from './ui.js';

const REFRESH_MS = 2_000;
const PAGE_ROWS = 25;

export const show = (view) => (view.id ? showOne(view) : showList(view));

let statuses = null;

/** The statuses that there are, each with what the service says may be made of an order in it. */
async function allStatuses(signal) {
  statuses ??= (await get('/order_statuses', {}, signal)).body;
  return statuses;
}

const linesIn = (order) =>
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
      { title: 'Items', cell: (o) => h('span', { class: 'long' }, linesIn(o)) },
      { title: 'Placed', cell: (o) => time(o.created_at), value: (o) => o.created_at, numeric: true },
      { title: 'Changed', cell: (o) => time(o.updated_at), value: (o) => o.updated_at, numeric: true },
    ],
    (o) => o.id,
    query.user_id || query.status || query.after
      ? 'No order is like this. Search for another user or status.'
      : 'No order has been placed yet. Place one by POST /orders: /q/swagger-ui shows how.',
  );
  const place = h('div');
  const pages = h('p', { class: 'pages' });
  main.append(search(query, signal), place, list.node, pages);

  const isFirst = !query.after;
  keep('orders', place, isFirst ? REFRESH_MS : 0, signal, async () => {
    const { body, next } = await get('/orders', { ...query, limit: PAGE_ROWS }, signal);
    list.update(body);
    showPages(pages, query, next, isFirst);
  });
}

function showPages(place, query, next, isFirst) {
  const text = JSON.stringify(next);
  // On the first page the next one begins elsewhere with each order that is placed.
  const older = place.querySelector('.older');
  if (older && next) {
    older.href = address('orders', { ...query, after: next });
    return;
  }
  if (place.dataset.next === text) return;
  place.dataset.next = text;
  place.replaceChildren(
    ...[
      isFirst ? h('span', { class: 'hint' }, 'Refreshed every 2 seconds.') : h('a', { href: address('orders', { ...query, after: '' }) }, '« Newest'),
      next ? h('a', { class: 'older', href: address('orders', { ...query, after: next }) }, 'Older »') : h('span', { class: 'hint' }, 'No older ones.'),
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
        ...all.map((one) => h('option', { value: one.status, selected: one.status === query.status }, words(one.status))),
      ),
    )
    .catch((problem) => signal.aborted || warn(problem));
  const go = (event) => {
    event.preventDefault();
    location.hash = id.value ? `#/orders/${id.value}` : address('orders', { user_id: user.value, status: choice.value });
  };
  return h(
    'form',
    { class: 'search', onsubmit: go, role: 'search' },
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
  const place = h('div');
  const facts = h('dl', { class: 'facts' });
  const actions = h('div', { class: 'actions' });
  const lines = table(
    'Lines',
    [
      { title: 'Item', cell: ([name]) => h('a', { href: `#/inventory?${new URLSearchParams({ name })}` }, name), value: ([name]) => name },
      { title: 'Quantity', cell: ([, quantity]) => number(quantity), value: ([, quantity]) => quantity, numeric: true },
    ],
    ([name]) => name,
    'It has no lines.',
  );
  const timeline = h('ol', { class: 'timeline' });
  const movements = table(
    'Stock movements',
    [
      { title: 'When', cell: (m) => time(m.created_at), value: (m) => m.created_at },
      { title: 'Item', cell: (m) => h('a', { href: `#/inventory/${m.inventory_item_id}` }, m.item), value: (m) => m.item },
      { title: 'Kind', cell: (m) => badge(words(kindOf(m))), value: (m) => m.kind },
      { title: 'By', cell: (m) => signed(m.delta), value: (m) => m.delta, numeric: true },
      { title: 'To', cell: (m) => number(m.quantity_after), value: (m) => m.quantity_after, numeric: true },
    ],
    (m) => m.id,
    'No stock has moved for it.',
  );
  const rest = h(
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
  main.append(h('p', { class: 'back' }, h('a', { href: '#/orders' }, '« Orders')), place, rest);

  const shown = { etag: null, order: null, user: null };

  const refresh = keep('the order', place, REFRESH_MS, signal, async () => {
    const order = await get(path, {}, signal);
    const [events, moved] = await Promise.all([
      get(`${path}/events`, {}, signal),
      get(`${path}/movements`, {}, signal),
    ]);
    shown.user ??= (await get(`/users/${order.body.user_id}`, {}, signal)).body;
    const known = (await allStatuses(signal)).find((one) => one.status === order.body.status);
    rest.hidden = false;
    showFacts(order, known?.allowed ?? []);
    lines.update(Object.entries(order.body.items));
    showTimeline(timeline, events.body);
    movements.update(moved.body);
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
        ['Changed', time(order.updated_at)],
      ].flatMap(([name, value]) => [h('dt', null, name), h('dd', { 'data-fact': name }, value)]),
    );
    actions.replaceChildren(
      ...allowed.map((to) =>
        to === 'Cancelled'
          ? button('Cancel the order', cancel, { class: 'danger', 'data-to': to })
          : button(words(to), () => change(to), { 'data-to': to }),
      ),
    );
    if (allowed.length === 0) {
      actions.append(h('p', { class: 'hint' }, `An order that is ${words(order.status).toLowerCase()} stays so.`));
    }
    if (hadFocus) title.focus();
  }

  async function cancel() {
    const etag = shown.etag;
    const text = 'Stock that was deducted for it is given back. A cancelled order stays cancelled.';
    if (await ask(`Cancel order ${id}?`, text, 'Cancel the order')) {
      await make(() => post(`${path}/cancel`, etag), `Order ${id} is cancelled.`);
    }
  }

  const change = (to) =>
    make(() => put(`${path}/update_status`, { status: to }, shown.etag), `Order ${id} is now: ${words(to).toLowerCase()}.`);

  async function make(call, done) {
    try {
      await call();
      say(done);
    } catch (problem) {
      if (problem.status === 412) {
        problem.message = 'The order changed meanwhile, so nothing was done. It is shown as it is now: look, and decide again.';
      }
      warn(problem);
    }
    refresh();
  }
}

const KINDS = { OPENING: 'Opening', DEDUCTION: 'Deduction', RESTORATION: 'Restoration', CORRECTION: 'Correction' };

export const kindOf = ({ kind }) => KINDS[kind] ?? kind;

const EVENTS = {
  Placed: 'Placed',
  Received: 'Received by the shop',
  Confirmed: 'Confirmed: its stock is deducted',
  Rejected: 'Rejected: there was not enough stock',
  OutForDelivery: 'Out for delivery',
  Delivered: 'Delivered',
  Cancelled: 'Cancelled',
  Restored: 'Restored: its stock is given back',
  Abandoned: 'Abandoned: its job was dropped',
};

function showTimeline(place, events) {
  const text = JSON.stringify(events);
  if (place.dataset.shown === text) return;
  place.dataset.shown = text;
  place.replaceChildren(
    ...events.map((one) =>
      h(
        'li',
        { 'data-event': one.event },
        h('strong', null, EVENTS[one.event] ?? words(one.event)),
        h('span', { class: 'hint' }, time(one.at), ' by ', h('span', { class: 'by' }, one.by)),
      ),
    ),
  );
  if (events.length === 0) {
    place.append(h('li', null, 'Nothing is known of it: it is older than the timeline.'));
  }
}
