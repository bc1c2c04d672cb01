// Building blocks shared by every page. Values enter the page as text only, never as markup.

/** Creates an element. Properties that start with "on" become listeners, all others attributes. */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// --- Numbers and times ---

const NUMBER = new Intl.NumberFormat('en');
const RATE = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SIGNED = new Intl.NumberFormat('en', { signDisplay: 'exceptZero' });
const UNKNOWN = '–';

const orUnknown = (format) => (value) => (value === null || value === undefined ? UNKNOWN : format(value));

export const number = orUnknown((value) => NUMBER.format(value));
export const signed = orUnknown((value) => SIGNED.format(value));
export const rate = orUnknown((value) => (value >= 100 ? NUMBER.format(Math.round(value)) : RATE.format(value)));
export const latency = orUnknown((seconds) =>
  seconds < 1 ? `${NUMBER.format(Math.round(seconds * 1_000))} ms` : duration(seconds),
);
export const duration = orUnknown((seconds) => {
  const s = Math.max(0, seconds);
  if (s < 10 && !Number.isInteger(s)) return `${RATE.format(s)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`;
});

/** A duration rounded down to one unit, for tight spaces. */
export const coarse = orUnknown((seconds) => {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
});

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

let clockAheadMs = 0;

/** Sets the time that now() and relative times use: the service's clock, as the operator's may be wrong. */
export function setClock(iso) {
  clockAheadMs = Date.parse(iso) - Date.now();
}

export const now = () => Date.now() + clockAheadMs;

function relative(iso) {
  const seconds = (now() - Date.parse(iso)) / 1_000;
  if (Math.abs(seconds) < 2) return 'just now';
  return seconds > 0 ? `${coarse(seconds)} ago` : `in ${coarse(-seconds)}`;
}

/** A relative time; its tooltip has the exact one. */
export function time(iso) {
  if (!iso) {
    return UNKNOWN;
  }
  const exact = new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
  return h('time', { datetime: iso, title: `${exact} (${iso})` }, relative(iso));
}

setInterval(() => {
  for (const element of document.querySelectorAll('time[datetime]')) {
    const text = relative(element.dateTime);
    if (element.textContent !== text) {
      element.textContent = text;
    }
  }
}, 1_000);

// --- Small components ---

const STATUS_TONES = { Confirmed: 'ok', Delivered: 'ok', OutForDelivery: 'info', Rejected: 'bad', Cancelled: 'off' };

/** A status or event name as words: OutForDelivery becomes "Out for delivery". */
export const humanize = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').replace(/ [A-Z]/g, (c) => c.toLowerCase());
export const badge = (text, tone) => h('span', { class: 'badge', 'data-tone': tone }, text);
export const status = (name) => badge(humanize(name), STATUS_TONES[name] ?? 'wait');
export const button = (text, onclick, properties) => h('button', { type: 'button', onclick, ...properties }, text);
export const loading = (what) => h('p', { class: 'hint' }, `Loading ${what}…`);

/** Sets the text only if it differs, so that a screen reader does not announce a live region twice. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** An error in place of the content that could not be loaded. */
function failure(problem, retry) {
  return h(
    'div',
    { class: 'failure', role: 'alert' },
    h('p', null, h('strong', null, problem.status === 404 ? 'Not found. ' : 'Something went wrong. '), problem.message),
    problem.errors?.length ? h('ul', null, problem.errors.map((error) => h('li', null, error))) : null,
    retry ? button('Try again', retry) : null,
  );
}

/** Shows a notice at the bottom of the page in place of the previous one. */
function showNotice(container, message, details = []) {
  const close = button('×', () => container.replaceChildren(), { class: 'quiet', 'aria-label': 'Dismiss' });
  const list = details.length ? h('ul', null, details.map((detail) => h('li', null, detail))) : null;
  const notice = h('div', { class: 'notice' }, h('div', null, h('p', null, message), list), close);
  document.getElementById('info').replaceChildren();
  document.getElementById('alert').replaceChildren();
  container.replaceChildren(notice);
  return notice;
}

/** Shows a message for ten seconds. */
export function showInfo(message) {
  const notice = showNotice(document.getElementById('info'), message);
  setTimeout(() => notice.remove(), 10_000);
}

/** Shows an error until it is dismissed. */
export const showError = (problem) => showNotice(document.getElementById('alert'), problem.message, problem.errors);

/** Asks for confirmation of something that cannot be undone. */
export function confirmAction(title, text, action) {
  return new Promise((resolve) => {
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'dialog-title', 'aria-describedby': 'dialog-text', onclose: () => done() },
      h('h2', { id: 'dialog-title' }, title),
      h('p', { id: 'dialog-text' }, text),
      h(
        'div',
        { class: 'actions' },
        button('Go back', () => dialog.close(), { autofocus: true }),
        button(action, () => dialog.close('yes'), { class: 'danger' }),
      ),
    );
    const done = () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    };
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Loads a page's content now, and again every intervalMs after the last load finished (0: never), while the tab is
 * visible and until the signal aborts. Failures are shown in the container; after a 4xx there is no automatic retry.
 *
 * @param what names the content in "Loading …"
 * @param container holds the loading hint and failures
 * @returns a function that reloads at once
 */
export function autoRefresh(what, container, intervalMs, signal, load) {
  let timer;
  let running = false;
  let shownFailure = null;
  container.replaceChildren(loading(what));
  const run = async () => {
    if (running) return;
    running = true;
    clearTimeout(timer);
    let repeat = intervalMs > 0;
    try {
      await load();
      container.replaceChildren();
      shownFailure = null;
    } catch (problem) {
      if (signal.aborted) return;
      repeat &&= !(problem.status >= 400 && problem.status < 500);
      // Only once: a screen reader would announce the alert again each time.
      if (shownFailure !== problem.message) container.replaceChildren(failure(problem, run));
      shownFailure = problem.message;
    } finally {
      running = false;
    }
    if (repeat && !signal.aborted && !document.hidden) {
      timer = setTimeout(run, intervalMs);
    }
  };
  document.addEventListener('visibilitychange', () => intervalMs && !document.hidden && run(), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  run();
  return run;
}

/** The hash of a page, with the parameters that have a value. */
export function address(page, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  return given.length ? `#/${page}?${new URLSearchParams(given)}` : `#/${page}`;
}

// --- Tables ---

/**
 * A table with sortable columns that is updated row by row, so that focus and selection survive.
 *
 * @param {string} label what it lists
 * @param columns {title, cell(row), value(row) to sort by, numeric}
 * @param key returns the unique key of a row
 * @param empty shown in place of the table when it has no rows
 * @param stacks whether to stack a row's cells on narrow screens, so that the last one stays visible
 */
export function table(label, columns, key, empty, stacks) {
  // Explicit roles, because display: block in the style sheet removes the implicit ones.
  const body = h('tbody', { role: 'rowgroup' });
  const heads = columns.map((column, index) =>
    column.value
      ? h('th', { scope: 'col', role: 'columnheader', class: column.numeric && 'numeric' }, button(column.title, () => sortBy(index)))
      : h('th', { scope: 'col', role: 'columnheader', class: column.numeric && 'numeric' }, column.title),
  );
  const grid = h(
    'table',
    { role: 'table', class: stacks && 'stacks' },
    h('caption', { class: 'visually-hidden' }, label),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads)),
    body,
  );
  const scroller = h('div', { class: 'scroller', role: 'region', 'aria-label': label, tabindex: '0', hidden: true }, grid);
  const emptyNote = h('div', { class: 'empty', hidden: true }, empty);
  let rendered = new Map();
  let rows = null;
  let sort = null;

  function sortBy(index) {
    if (sort?.index !== index) sort = { index, direction: 1 };
    else if (sort.direction === 1) sort = { index, direction: -1 };
    else sort = null;
    heads.forEach((head, i) => {
      if (sort?.index === i) head.setAttribute('aria-sort', sort.direction === 1 ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    });
    update(rows);
  }

  function sortedRows() {
    if (!sort) return rows;
    const value = columns[sort.index].value;
    const compare = (a, b) => {
      if (a === b) return 0;
      if (a === null || a === undefined) return 1;
      if (b === null || b === undefined) return -1;
      return typeof a === 'string' ? a.localeCompare(b) : a - b;
    };
    return [...rows].sort((a, b) => sort.direction * compare(value(a), value(b)));
  }

  function render(row, isFirst) {
    const text = JSON.stringify(row);
    const old = rendered.get(String(key(row)));
    if (old?.text === text) return old;
    const cells = columns.map(({ title, cell, numeric }) =>
      h('td', { role: 'cell', 'data-title': title, class: numeric && 'numeric' }, cell(row)),
    );
    const tr = h('tr', { role: 'row', 'data-key': key(row), class: old || isFirst ? null : 'new' }, cells);
    if (old?.tr.contains(document.activeElement)) {
      const index = [...old.tr.querySelectorAll('a,button')].indexOf(document.activeElement);
      queueMicrotask(() => tr.querySelectorAll('a,button')[index]?.focus());
    }
    return { text, tr };
  }

  function update(latest) {
    const isFirst = rows === null;
    rows = latest;
    const wanted = sortedRows().map((row) => [String(key(row)), render(row, isFirst)]);
    rendered = new Map(wanted);
    const trs = wanted.map(([, { tr }]) => tr);
    const kept = new Set(trs);
    for (const tr of [...body.children]) {
      if (!kept.has(tr)) tr.remove();
    }
    let next = body.firstChild;
    for (const tr of trs) {
      if (tr === next) next = next.nextSibling;
      else body.insertBefore(tr, next);
    }
    scroller.hidden = rows.length === 0;
    emptyNote.hidden = rows.length > 0;
  }

  return { node: h('div', null, scroller, emptyNote), update };
}
