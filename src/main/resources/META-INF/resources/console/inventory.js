// The Inventory pages: all items, lowest stock first, and one item with its ledger.

import { get, put } from './api.js';
import { chart } from './chart.js';
import { kindOf } from './orders.js';
import { address, autoRefresh, badge, h, now, number, showError, showInfo, signed, table, time } from './ui.js';

const REFRESH_MS = 5_000;
const PAGE_ROWS = 50;
const LEDGER_ROWS = 100;

export const show = (view) => (view.id ? showOne(view) : showList(view));

const isLow = (item) => item.quantity < item.threshold;
const stock = (item) => (isLow(item) ? badge('▼ Below threshold', 'bad') : badge('OK', 'ok'));

// --- The list ---

function showList({ main, title, params, signal }) {
  title.textContent = 'Inventory';
  const name = params.get('name') ?? '';
  const onlyLow = params.get('below_threshold') === 'true';
  const after = params.get('after') ?? '';
  const list = table(
    'Items, lowest stock first',
    [
      { title: 'Item', cell: (i) => h('a', { class: 'long', href: `#/inventory/${i.id}` }, i.name), value: (i) => i.name },
      { title: 'Stock', cell: stock, value: (i) => (isLow(i) ? 0 : 1) },
      { title: 'Quantity', cell: (i) => number(i.quantity), value: (i) => i.quantity, numeric: true },
      { title: 'Threshold', cell: (i) => number(i.threshold), value: (i) => i.threshold, numeric: true },
      { title: 'To spare', cell: (i) => signed(i.quantity - i.threshold), value: (i) => i.quantity - i.threshold, numeric: true },
      { title: 'Updated', cell: (i) => time(i.updated_at), value: (i) => i.updated_at, numeric: true },
    ],
    (i) => i.id,
    name
      ? 'No item on sale has exactly this name.'
      : onlyLow
        ? 'No items below their threshold.'
        : after
          ? 'No more items.'
          : 'No items yet. Add one with POST /inventory_items; see /q/swagger-ui.',
  );
  const status = h('div');
  const pages = h('p', { class: 'pages' });
  main.append(search(name, onlyLow), status, list.node, pages);

  const query = name
    ? { name }
    : { sort: 'low_stock', below_threshold: onlyLow || undefined, limit: PAGE_ROWS, after };
  autoRefresh('items', status, REFRESH_MS, signal, async () => {
    const { body, next } = await get('/inventory_items', query, signal);
    list.update(body);
    const shown = JSON.stringify(next);
    if (pages.dataset.shown !== shown) {
      pages.dataset.shown = shown;
      pages.replaceChildren(
        ...[
          after ? h('a', { href: address('inventory', { name, below_threshold: onlyLow }) }, '« First page') : null,
          next ? h('a', { href: address('inventory', { name, below_threshold: onlyLow, after: next }) }, 'Next page »') : null,
        ].filter(Boolean),
      );
    }
  });
}

function search(name, onlyLow) {
  const text = h('input', { id: 'item-name', autocomplete: 'off', value: name, maxlength: '255' });
  const low = h('input', { id: 'only-low', type: 'checkbox', checked: onlyLow });
  const submit = (event) => {
    event.preventDefault();
    location.hash = address('inventory', { name: text.value, below_threshold: !text.value && low.checked });
  };
  low.addEventListener('change', () => {
    location.hash = address('inventory', { below_threshold: low.checked });
  });
  return h(
    'form',
    { class: 'search', onsubmit: submit, role: 'search' },
    h('div', null, h('label', { for: 'item-name' }, 'Exact name'), text),
    h('button', { type: 'submit', class: 'main' }, 'Search'),
    h('div', { class: 'check' }, low, h('label', { for: 'only-low' }, 'Only below threshold')),
    name || onlyLow ? h('a', { href: '#/inventory' }, 'Show all') : null,
  );
}

// --- One item ---

function showOne({ main, title, id, params, signal }) {
  title.textContent = `Item ${id}`;
  const after = params.get('after') ?? '';
  const path = `/inventory_items/${encodeURIComponent(id)}`;
  const status = h('div');
  const facts = h('dl', { class: 'facts' });
  const plot = chart(
    signal,
    'Quantity over time, with the threshold; the table below has the same figures',
    [
      { label: 'Quantity', colour: 'accent', stepped: true, fill: true },
      { label: 'Threshold', colour: 'warn', dash: true },
    ],
    number,
  );
  const ledger = table(
    'Ledger, newest first',
    [
      { title: 'When', cell: (m) => time(m.created_at), value: (m) => m.created_at },
      { title: 'Kind', cell: (m) => badge(kindOf(m)), value: (m) => m.kind },
      { title: 'Change', cell: (m) => signed(m.delta), value: (m) => m.delta, numeric: true },
      { title: 'Quantity after', cell: (m) => number(m.quantity_after), value: (m) => m.quantity_after, numeric: true },
      { title: 'Order', cell: (m) => (m.order_id ? h('a', { href: `#/orders/${m.order_id}` }, `${m.order_id}`) : '–'), value: (m) => m.order_id },
      { title: 'Reason', cell: (m) => h('span', { class: 'long' }, m.reason ?? '–'), value: (m) => m.reason },
    ],
    (m) => m.id,
    'No stock movements yet.',
  );
  const pages = h('p', { class: 'pages' });
  const quantity = h('input', { id: 'quantity', type: 'number', min: '0', max: '1000000000', step: '1', required: true });
  const reason = h('input', { id: 'reason', maxlength: '255', required: true, autocomplete: 'off' });
  const form = h(
    'form',
    { class: 'search', onsubmit: correct },
    h('div', null, h('label', { for: 'quantity' }, 'Counted quantity'), quantity),
    h('div', { class: 'wide' }, h('label', { for: 'reason' }, 'Reason (recorded in the ledger)'), reason),
    h('button', { type: 'submit', class: 'main' }, 'Correct quantity'),
  );
  const content = h(
    'div',
    { hidden: true },
    h('section', { class: 'card' }, facts),
    h('section', { class: 'card' }, h('h2', null, 'Correct quantity'), form),
    h('section', { class: 'card' }, h('h2', null, 'Ledger'), plot.node, ledger.node, pages),
  );
  main.append(h('p', { class: 'back' }, h('a', { href: '#/inventory' }, '« Inventory')), status, content);

  const shown = { etag: null, quantity: null, ledger: null };

  const refresh = autoRefresh('item', status, REFRESH_MS, signal, async () => {
    const [item, movements] = await Promise.all([
      get(path, {}, signal),
      get(`${path}/movements`, { limit: LEDGER_ROWS, after }, signal),
    ]);
    content.hidden = false;
    showFacts(item);
    showLedger(item.body, movements);
  });

  function showFacts({ body: item, etag }) {
    if (shown.etag === etag) return;
    shown.etag = etag;
    shown.quantity = item.quantity;
    title.textContent = item.name;
    document.title = `${item.name} · OMS`;
    facts.replaceChildren(
      ...[
        ['Quantity', [number(item.quantity), ' ', stock(item)]],
        ['Threshold', number(item.threshold)],
        ['Item', id],
        ['Updated', time(item.updated_at)],
      ].flatMap(([name, value]) => [h('dt', null, name), h('dd', { 'data-fact': name }, value)]),
    );
  }

  function showLedger(item, { body: movements, next }) {
    ledger.update(movements);
    const text = JSON.stringify([movements, item.threshold]);
    if (shown.ledger === text) return;
    shown.ledger = text;
    const oldestFirst = [...movements].reverse();
    const points = oldestFirst.map((m) => [Date.parse(m.created_at) / 1_000, m.quantity_after]);
    // A batch's movements share one timestamp, so the line also needs a point for now to be visible.
    if (!after) points.push([now() / 1_000, item.quantity]);
    plot.setData([points.map(([second]) => second), points.map(([, quantity]) => quantity), points.map(() => item.threshold)]);
    pages.replaceChildren(
      ...[
        after ? h('a', { href: `#/inventory/${id}` }, '« Newest') : null,
        next ? h('a', { href: `#/inventory/${id}?after=${next}` }, 'Older »') : null,
      ].filter(Boolean),
    );
  }

  async function correct(event) {
    event.preventDefault();
    const from = shown.quantity;
    const to = Number(quantity.value);
    if (to === from) {
      showInfo(`The quantity is already ${number(to)}. Nothing to correct.`);
      return;
    }
    try {
      await put(path, { quantity: to, reason: reason.value }, shown.etag);
      form.reset();
      showInfo(`Quantity corrected from ${number(from)} to ${number(to)}.`);
    } catch (problem) {
      if (problem.status === 412) {
        problem.message = 'The item changed in the meantime, so nothing was corrected. Check its current quantity and count again.';
      }
      showError(problem);
    }
    refresh();
  }
}
