// The Inventory pages: all items, lowest stock first, and one item with its ledger.

import { get, may, newKey, post, put } from './api.js';
import {
  action,
  address,
  ask,
  autoRefresh,
  badge,
  h,
  isolated,
  kindOf,
  name,
  now,
  number,
  pager,
  showInfo,
  signed,
  table,
  time,
} from './ui.js';

const REFRESH_MS = 5_000;
const PAGE_ROWS = 50;
const LEDGER_ROWS = 100;
const QUANTITY_MAX = 1_000_000_000;

export const show = (view) => (view.id ? showOne(view) : showList(view));

const isOut = (item) => item.quantity === 0;
const isLow = (item) => item.quantity < item.threshold;
/** The worst first. A threshold of 0 asks for no warning, but nothing left is not OK. */
const rank = (item) => (isOut(item) ? 0 : isLow(item) ? 1 : 2);
const stock = (item) => [badge('✕ Out of stock', 'bad'), badge('▼ Below threshold', 'bad'), badge('OK', 'ok')][rank(item)];

// --- The list ---

function showList({ main, title, params, signal }) {
  title.textContent = 'Inventory';
  const prefix = params.get('name') ?? '';
  const onlyLow = params.get('below_threshold') === 'true';
  const onlyOut = params.get('out_of_stock') === 'true';
  const after = params.get('after') ?? '';
  const list = table(
    'Items, lowest stock first',
    [
      { title: 'Item', cell: (i) => h('a', { class: 'long', href: `#/inventory/${i.id}` }, name(i.name)), value: (i) => i.name },
      { title: 'Stock', cell: stock, value: rank },
      { title: 'Quantity', cell: (i) => number(i.quantity), value: (i) => i.quantity, numeric: true },
      { title: 'Threshold', cell: (i) => number(i.threshold), value: (i) => i.threshold, numeric: true },
      { title: 'To spare', cell: (i) => signed(i.quantity - i.threshold), value: (i) => i.quantity - i.threshold, numeric: true },
      { title: 'Updated', cell: (i) => time(i.updated_at), value: (i) => i.updated_at, numeric: true },
    ],
    (i) => i.id,
    prefix
      ? 'No matching items. Try the first letters of the name.'
      : onlyLow
        ? 'No items below their threshold.'
        : onlyOut
          ? 'No items out of stock.'
          : after
            ? 'No more items.'
            : 'No items yet. Add one with POST /inventory_items; see /q/openapi.',
  );
  const status = h('div');
  const query = { name: prefix, below_threshold: onlyLow, out_of_stock: onlyOut || '' };
  const pages = pager('inventory', query, params, { first: '« First page', previous: '‹ Previous page', next: 'Next page ›' });
  main.append(search(prefix, onlyLow, onlyOut), status, list.node, pages.node);

  autoRefresh('items', status, REFRESH_MS, signal, async () => {
    const { body, next } = await get('/inventory_items', { ...query, sort: 'low_stock', limit: PAGE_ROWS, after }, signal);
    list.update(body, Boolean(after || next));
    pages.update(next);
  });
}

function search(prefix, onlyLow, onlyOut) {
  const text = h('input', { id: 'item-name', autocomplete: 'off', value: prefix, maxlength: '255' });
  const level = h(
    'select',
    { id: 'stock' },
    h('option', { value: '' }, 'All'),
    h('option', { value: 'low', selected: onlyLow }, 'Below threshold'),
    h('option', { value: 'out', selected: onlyOut }, 'Out of stock'),
  );
  const go = () => {
    location.hash = address('inventory', {
      name: text.value.trim(),
      below_threshold: level.value === 'low',
      out_of_stock: level.value === 'out',
    });
  };
  const submit = (event) => {
    event.preventDefault();
    go();
  };
  level.addEventListener('change', go);
  return h(
    'form',
    { class: 'search', onsubmit: submit, role: 'search' },
    h('div', null, h('label', { for: 'item-name' }, 'Name begins with'), text),
    h('button', { type: 'submit', class: 'main' }, 'Search'),
    h('div', null, h('label', { for: 'stock' }, 'Stock'), level),
    prefix || onlyLow || onlyOut ? h('a', { href: '#/inventory' }, 'Show all') : null,
  );
}

// --- One item ---

async function showOne({ main, title, id, params, signal }) {
  const { chart } = await import('./chart.js');
  if (signal.aborted) return;
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
      { title: 'By', cell: (m) => (m.actor ? h('span', { class: 'by' }, name(m.actor)) : '–'), value: (m) => m.actor },
      { title: 'Reason', cell: reasonOf, value: (m) => m.reason },
    ],
    (m) => m.id,
    'No stock movements yet.',
  );
  const pages = pager(`inventory/${id}`, {}, params, { first: '« Newest', previous: '‹ Newer', next: 'Older ›' });
  const corrections = h(
    'div',
    { class: 'actions', hidden: !may('inventory:write') },
    action('Adjust quantity…', adjust, { id: 'adjust' }),
    action('Enter counted quantity…', count, { id: 'count' }),
  );
  const content = h(
    'div',
    { hidden: true },
    h('section', { class: 'card' }, facts, corrections),
    h('section', { class: 'card' }, h('h2', null, 'Ledger'), plot.node, ledger.node, pages.node),
  );
  main.append(h('p', { class: 'back' }, h('a', { href: '#/inventory' }, '« Inventory')), status, content);

  const shown = { etag: null, quantity: null };

  const refresh = autoRefresh('item', status, REFRESH_MS, signal, async () => {
    const item = shown.isArchived ? null : await get(path, {}, signal).catch(archived);
    // Every movement of an item changes its version.
    if (item && item.etag === shown.etag) return;
    const movements = await get(`${path}/movements`, { limit: LEDGER_ROWS, after }, signal);
    content.hidden = false;
    if (item) showFacts(item.body);
    else showArchived();
    showLedger(item?.body, movements);
    shown.etag = item?.etag;
  });

  /** An archived item is not found, but its ledger is. */
  async function archived(problem) {
    if (problem.status !== 404) throw problem;
    await get(`${path}/movements`, { limit: 1 }, signal);
    return null;
  }

  function showArchived() {
    shown.isArchived = true;
    corrections.hidden = true;
    facts.replaceChildren(h('dt', null, 'Item'), h('dd', { 'data-fact': 'Item' }, `${id}, archived: no longer on sale`));
  }

  function showFacts(item) {
    shown.quantity = item.quantity;
    title.replaceChildren(name(item.name));
    document.title = `${isolated(item.name)} · OMS`;
    facts.replaceChildren(
      ...[
        ['Quantity', [number(item.quantity), ' ', stock(item)]],
        ['Threshold', number(item.threshold)],
        ['Item', id],
        ['Updated', time(item.updated_at)],
      ].flatMap(([label, value]) => [h('dt', null, label), h('dd', { 'data-fact': label }, value)]),
    );
  }

  function showLedger(item, { body: movements, next }) {
    ledger.update(movements, Boolean(after || next));
    pages.update(next);
    const oldestFirst = [...movements].reverse();
    const points = oldestFirst.map((m) => [Date.parse(m.created_at) / 1_000, m.quantity_after]);
    // A batch's movements share one timestamp, so the line also needs a point for now to be visible.
    if (item && !after) points.push([now() / 1_000, item.quantity]);
    plot.setData([points.map(([second]) => second), points.map(([, quantity]) => quantity), points.map(() => item?.threshold)]);
  }

  /** By an amount: whatever is sold in between, the amount is right. */
  async function adjust() {
    const direction = h(
      'select',
      { id: 'direction', autofocus: true },
      h('option', { value: '-1' }, 'Remove from stock'),
      h('option', { value: '1' }, 'Add to stock'),
    );
    const amount = h('input', { id: 'amount', type: 'number', min: '1', max: QUANTITY_MAX, step: '1', required: true });
    const reason = reasonField();
    const reference = h('input', { id: 'reference', maxlength: '255', autocomplete: 'off' });
    const key = newKey();
    await ask({
      title: 'Adjust quantity',
      text: 'The ledger records the change and the reason. Orders may be settled meanwhile.',
      fields: [
        ['Change', direction],
        ['Amount', amount],
        ['Reason', reason],
        ['Reference (optional), such as a delivery note', reference],
      ],
      go: 'Adjust',
      tone: 'main',
      perform: async () => {
        const delta = direction.value * amount.value;
        const body = { delta, reason: reason.value, reference: reference.value || undefined };
        const { body: item } = await sent(post(`${path}/adjust`, { body, key }));
        showInfo(`Quantity changed by ${signed(delta)} to ${number(item.quantity)}.`);
      },
      signal,
    });
    await refresh();
  }

  /** To what was counted, which is refused if something was sold in between. */
  async function count() {
    const { etag, quantity: from } = shown;
    const quantity = h('input', {
      id: 'quantity',
      type: 'number',
      min: '0',
      max: QUANTITY_MAX,
      step: '1',
      required: true,
      autofocus: true,
    });
    const reason = reasonField();
    await ask({
      title: 'Enter counted quantity',
      text: `The quantity shown is ${number(from)}. If it changes meanwhile, nothing is corrected.`,
      fields: [
        ['Counted quantity', quantity],
        ['Reason', reason],
      ],
      go: 'Correct quantity',
      tone: 'main',
      perform: async () => {
        const to = Number(quantity.value);
        if (to === from) {
          showInfo(`The quantity is already ${number(to)}. Nothing to correct.`);
          return;
        }
        try {
          await sent(put(path, { quantity: to, reason: reason.value }, etag));
        } catch (problem) {
          if (problem.status === 412) {
            problem.message =
              'The item changed in the meantime. Go back and look at the ledger: unless your count is there, count again, or adjust the quantity by an amount.';
          }
          throw problem;
        }
        showInfo(`Quantity corrected from ${number(from)} to ${number(to)}.`);
      },
      signal,
    });
    await refresh();
  }
}

/** The response to a correction. Without one, the operator has to look before correcting again. */
async function sent(correction) {
  try {
    return await correction;
  } catch (problem) {
    if (!problem.isRefusal) problem.message += ' Check the ledger before you repeat it.';
    throw problem;
  }
}

const reasonField = () => h('input', { id: 'reason', maxlength: '255', required: true, autocomplete: 'off' });

function reasonOf({ reason, reference }) {
  return h(
    'span',
    { class: 'long' },
    reason ? name(reason) : '–',
    reference ? [' ', h('span', { class: 'hint' }, '(', name(reference), ')')] : null,
  );
}
