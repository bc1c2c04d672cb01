// What every page is built of. Values come into the page as text only, never as markup.

/** An element. Properties that start with "on" are listeners, the others are attributes. */
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

/** A duration to one unit, for where there is little room. */
export const coarse = orUnknown((seconds) => {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
});

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

let clockAheadMs = 0;

/** Takes the service's clock for the time, not the operator's. */
export function setClock(iso) {
  clockAheadMs = Date.parse(iso) - Date.now();
}

export const now = () => Date.now() + clockAheadMs;

function relative(iso) {
  const seconds = (now() - Date.parse(iso)) / 1_000;
  if (Math.abs(seconds) < 2) return 'just now';
  return seconds > 0 ? `${coarse(seconds)} ago` : `in ${coarse(-seconds)}`;
}

/** A time as it is told: how long ago, and exactly when pointed at. */
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

// --- Small parts ---

const STATUS_TONES = { Confirmed: 'ok', Delivered: 'ok', OutForDelivery: 'info', Rejected: 'bad', Cancelled: 'off' };

export const words = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').replace(/ [A-Z]/g, (c) => c.toLowerCase());
export const badge = (text, tone) => h('span', { class: 'badge', 'data-tone': tone }, text);
export const status = (name) => badge(words(name), STATUS_TONES[name] ?? 'wait');
export const button = (text, onclick, properties) => h('button', { type: 'button', onclick, ...properties }, text);
export const loading = (what) => h('p', { class: 'hint' }, `Loading ${what}…`);

/** Text is only written where it changed, so that a live region tells no news twice. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Why something could not be shown, and what to do. */
function failure(problem, again) {
  return h(
    'div',
    { class: 'failure', role: 'alert' },
    h('p', null, h('strong', null, problem.status === 404 ? 'Not found. ' : 'This did not work. '), problem.message),
    problem.errors?.length ? h('ul', null, problem.errors.map((error) => h('li', null, error))) : null,
    again ? button('Try again', again) : null,
  );
}

/** Replaces what is told at the bottom of the page. What went wrong stays until it is dismissed. */
function tell(place, message, more = []) {
  const close = button('×', () => place.replaceChildren(), { class: 'quiet', 'aria-label': 'Dismiss' });
  const list = more.length ? h('ul', null, more.map((line) => h('li', null, line))) : null;
  const notice = h('div', { class: 'notice' }, h('div', null, h('p', null, message), list), close);
  document.getElementById('said').replaceChildren();
  document.getElementById('warned').replaceChildren();
  place.replaceChildren(notice);
  return notice;
}

export function say(message) {
  const notice = tell(document.getElementById('said'), message);
  setTimeout(() => notice.remove(), 10_000);
}

export const warn = (problem) => tell(document.getElementById('warned'), problem.message, problem.errors);

/** Asks before something is done that cannot be undone. */
export function ask(title, text, action) {
  return new Promise((resolve) => {
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'ask-title', 'aria-describedby': 'ask-text', onclose: () => done() },
      h('h2', { id: 'ask-title' }, title),
      h('p', { id: 'ask-text' }, text),
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
 * Loads what a page shows, now and then again so long after the last time (0: never), while the page is seen and until
 * the signal. A failure is shown in its place; one that is the page's own fault is not tried again by itself.
 *
 * @param place where "loading" and failures are shown
 * @returns loads it at once
 */
export function keep(what, place, ms, signal, load) {
  let timer;
  let running = false;
  let told = null;
  place.replaceChildren(loading(what));
  const run = async () => {
    if (running) return;
    running = true;
    clearTimeout(timer);
    let again = ms > 0;
    try {
      await load();
      place.replaceChildren();
      told = null;
    } catch (problem) {
      if (signal.aborted) return;
      again &&= !(problem.status >= 400 && problem.status < 500);
      // Once: it is an alert, and would be read out each time.
      if (told !== problem.message) place.replaceChildren(failure(problem, run));
      told = problem.message;
    } finally {
      running = false;
    }
    if (again && !signal.aborted && !document.hidden) {
      timer = setTimeout(run, ms);
    }
  };
  document.addEventListener('visibilitychange', () => ms && !document.hidden && run(), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  run();
  return run;
}

/** The address of a page with those of its parameters that say something. */
export function address(page, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  return given.length ? `#/${page}?${new URLSearchParams(given)}` : `#/${page}`;
}

// --- Tables ---

/**
 * A table that is sorted by its header buttons and brought up to date row by row, so that neither focus nor selection is
 * lost.
 *
 * @param {string} label what it lists
 * @param columns {title, cell(row), value(row) to sort by, numeric}
 * @param key what tells a row from the others
 * @param empty what is shown instead when there is no row
 * @param stacks whether on a narrow screen a row's cells stand below each other, so that its last one is not out of sight
 */
export function table(label, columns, key, empty, stacks) {
  // The roles are what these elements have anyway, until a style sheet makes blocks of them.
  const body = h('tbody', { role: 'rowgroup' });
  const heads = columns.map((column, index) =>
    column.value
      ? h('th', { scope: 'col', role: 'columnheader', class: column.numeric && 'numeric' }, button(column.title, () => sortBy(index)))
      : h('th', { scope: 'col', role: 'columnheader', class: column.numeric && 'numeric' }, column.title),
  );
  const grid = h(
    'table',
    { role: 'table', class: stacks && 'stacks' },
    h('caption', { class: 'unseen' }, label),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads)),
    body,
  );
  const scroller = h('div', { class: 'scroller', role: 'region', 'aria-label': label, tabindex: '0', hidden: true }, grid);
  const nothing = h('div', { class: 'empty', hidden: true }, empty);
  let lines = new Map();
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

  function inOrder() {
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

  function line(row, isFirst) {
    const text = JSON.stringify(row);
    const old = lines.get(String(key(row)));
    if (old?.text === text) return old;
    const cells = columns.map(({ title, cell, numeric }) =>
      h('td', { role: 'cell', 'data-title': title, class: numeric && 'numeric' }, cell(row)),
    );
    const made = { text, tr: h('tr', { role: 'row', 'data-key': key(row), class: old || isFirst ? null : 'new' }, cells) };
    if (old?.tr.contains(document.activeElement)) {
      const at = [...old.tr.querySelectorAll('a,button')].indexOf(document.activeElement);
      queueMicrotask(() => made.tr.querySelectorAll('a,button')[at]?.focus());
    }
    return made;
  }

  function update(latest) {
    const isFirst = rows === null;
    rows = latest;
    const wanted = inOrder().map((row) => [String(key(row)), line(row, isFirst)]);
    lines = new Map(wanted);
    const trs = wanted.map(([, { tr }]) => tr);
    const stay = new Set(trs);
    for (const tr of [...body.children]) {
      if (!stay.has(tr)) tr.remove();
    }
    let at = body.firstChild;
    for (const tr of trs) {
      if (tr === at) at = at.nextSibling;
      else body.insertBefore(tr, at);
    }
    scroller.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
  }

  return { node: h('div', null, scroller, nothing), update };
}
