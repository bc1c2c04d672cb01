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

const EXACT = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
  hourCycle: 'h23',
});

let isExact = false;

const timeText = (iso) => (isExact ? EXACT.format(new Date(iso)) : relative(iso));

/** A relative time, or an exact one on request; its tooltip has the exact one. */
export function time(iso) {
  return iso ? h('time', { datetime: iso, title: `${EXACT.format(new Date(iso))} (${iso})` }, timeText(iso)) : UNKNOWN;
}

function updateTimes() {
  for (const element of document.querySelectorAll('time[datetime]')) {
    setText(element, timeText(element.dateTime));
  }
}

setInterval(updateTimes, 1_000);

/** Shows every time as an exact or a relative one: a tooltip cannot be reached by touch. */
export function showExactTimes(exact) {
  isExact = exact;
  updateTimes();
}

// --- Small components ---

const STATUS_TONES = { Confirmed: 'ok', Delivered: 'ok', OutForDelivery: 'info', Rejected: 'bad', Cancelled: 'off' };

/** A status or event name as words: OutForDelivery becomes "Out for delivery". */
export const humanize = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').replace(/ [A-Z]/g, (c) => c.toLowerCase());
export const badge = (text, tone) => h('span', { class: 'badge', 'data-tone': tone }, text);
export const status = (name) => badge(humanize(name), STATUS_TONES[name] ?? 'wait');
export const button = (text, onclick, properties) => h('button', { type: 'button', onclick, ...properties }, text);

/** A name that somebody chose. Isolated, because in a right-to-left script it would reorder the text around it. */
export const name = (text) => h('bdi', null, text);
/** The same in plain text, by the characters FSI and PDI. */
export const isolated = (text) => `\u2068${text}\u2069`;

const KINDS = { OPENING: 'Opening', DEDUCTION: 'Deduction', RESTORATION: 'Restoration', CORRECTION: 'Correction' };

/** The kind of a stock movement. */
export const kindOf = ({ kind }) => KINDS[kind] ?? kind;

export const loading = (what) => h('p', { class: 'hint' }, `Loading ${what}…`);

let isUnderWay = false;

// By ARIA rather than the attribute disabled, which would take the focus away from the button that was just pressed.
const showEnabled = (element) =>
  element.setAttribute('aria-disabled', isUnderWay || element.dataset.enabled === 'false' ? 'true' : 'false');

/** Whether a click is the second one of a double click, and so was not meant for what is there now. */
const isRepeated = (event) => event.detail > 1;

/**
 * A button that changes something. While a change is under way, until the page shows its result, no such button does
 * anything.
 *
 * @param perform what it does; may return a promise
 */
export function action(text, perform, properties) {
  const press = async (event) => {
    if (isRepeated(event) || element.getAttribute('aria-disabled') === 'true') return;
    setUnderWay(true);
    try {
      await perform();
    } finally {
      setUnderWay(false);
    }
  };
  const element = button(text, press, { 'data-action': '', ...properties });
  showEnabled(element);
  return element;
}

function setUnderWay(value) {
  isUnderWay = value;
  document.querySelectorAll('[data-action]').forEach(showEnabled);
}

export function setEnabled(element, enabled) {
  element.dataset.enabled = enabled;
  showEnabled(element);
}

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
    h('p', null, h('strong', null, problem.status === 404 ? 'Not found. ' : problem.isRefusal ? '' : 'Something went wrong. '), problem.message),
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

/**
 * Shows a secret below the title, until the page is left: it cannot be shown again.
 *
 * @param heading whose it is
 * @param hint what else to know
 */
export function showSecret(title, heading, secret, hint) {
  const copy = button('Copy', () => navigator.clipboard?.writeText(secret).then(() => showInfo('Copied.'), showError), {
    hidden: !navigator.clipboard,
  });
  title.after(
    h(
      'section',
      { class: 'card', role: 'status' },
      h('h2', null, heading),
      h('p', null, h('code', { class: 'secret' }, secret), ' ', copy),
      h('p', { class: 'hint' }, `It is shown only now. ${hint}`),
    ),
  );
}

/**
 * Asks before something is done that cannot be undone, or that needs input. The dialog closes when the page is left.
 *
 * @param fields [label, input] of what to ask for
 * @param go the text of the button that goes on
 * @param tone the class of that button
 * @param perform what it does; the dialog stays open, with the reason, only if it is refused: after any other failure
 *     it may have been done, and must not be done again without a look at the page
 * @param signal aborts when the page is left
 * @returns {Promise<boolean>} whether it was done
 */
export function ask({ title, text, fields = [], go, tone = 'danger', perform = () => {}, signal }) {
  return new Promise((resolve) => {
    const reason = h('div');
    const proceed = h('button', { type: 'submit', class: tone, onclick: (event) => isRepeated(event) && event.preventDefault() }, go);
    let isPerforming = false;
    const submit = async (event) => {
      event.preventDefault();
      if (isPerforming) return;
      isPerforming = true;
      proceed.setAttribute('aria-disabled', 'true');
      try {
        await perform();
        dialog.close('done');
      } catch (problem) {
        if (problem.isRefusal && dialog.open) {
          reason.replaceChildren(failure(problem));
        } else {
          dialog.close();
          showError(problem);
        }
      } finally {
        isPerforming = false;
        proceed.removeAttribute('aria-disabled');
      }
    };
    const dialog = h(
      'dialog',
      {
        'aria-labelledby': 'dialog-title',
        'aria-describedby': 'dialog-text',
        oncancel: (event) => isPerforming && event.preventDefault(),
        onclose: () => {
          dialog.remove();
          resolve(dialog.returnValue === 'done');
        },
      },
      h('h2', { id: 'dialog-title' }, title),
      h('p', { id: 'dialog-text' }, text),
      h(
        'form',
        { onsubmit: submit },
        fields.map(([label, input]) => h('div', { class: 'field' }, h('label', { for: input.id }, label), input)),
        reason,
        h(
          'div',
          { class: 'actions' },
          button('Go back', () => isPerforming || dialog.close(), { autofocus: fields.length === 0 }),
          proceed,
        ),
      ),
    );
    signal.addEventListener('abort', () => dialog.close());
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
 * @returns a function that reloads at once; its promise ends when the result is shown
 */
export function autoRefresh(what, container, intervalMs, signal, load) {
  let timer;
  let current = null;
  let shownFailure = null;
  container.replaceChildren(loading(what));
  const once = async () => {
    clearTimeout(timer);
    let repeat = intervalMs > 0;
    try {
      await load();
      container.replaceChildren();
      shownFailure = null;
      restorePosition();
    } catch (problem) {
      if (signal.aborted) return;
      repeat &&= !problem.isRefusal;
      // Only once: a screen reader would announce the alert again each time.
      if (shownFailure !== problem.message) container.replaceChildren(failure(problem, run));
      shownFailure = problem.message;
    }
    if (repeat && !signal.aborted && !document.hidden) {
      timer = setTimeout(run, intervalMs);
    }
  };
  const run = () =>
    (current ??= once().finally(() => {
      current = null;
    }));
  document.addEventListener('visibilitychange', () => intervalMs && !document.hidden && run(), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  run();
  return async () => {
    // What is being loaded may be older than the change that the caller has made.
    await current;
    await run();
  };
}

// --- The position in the history: scroll and sort order, kept in the entry itself ---

let position = null;

const remember = (what) => history.replaceState({ ...history.state, ...what }, '');

/** To be called when a page is entered. */
export function enterPosition() {
  position = history.state?.scroll ?? 0;
  scrollTo(0, 0);
}

/** To be called when the page's content is there: scrolls to where it was left. */
export function restorePosition() {
  if (position !== null) scrollTo(0, position);
  position = null;
}

let scrollTimer;

function rememberScroll() {
  clearTimeout(scrollTimer);
  if (position === null && history.state?.scroll !== scrollY) remember({ scroll: scrollY });
}

history.scrollRestoration = 'manual';
addEventListener('scroll', () => {
  clearTimeout(scrollTimer);
  scrollTimer = setTimeout(rememberScroll, 100);
});
// Before a click leads to another entry.
addEventListener('click', rememberScroll, true);
addEventListener('hashchange', () => clearTimeout(scrollTimer));

/** The hash of a page, with the parameters that have a value. */
export function address(page, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  return given.length ? `#/${page}?${new URLSearchParams(given)}` : `#/${page}`;
}

const TRAIL_PAGES_MAX = 50;

/**
 * Links to the pages before and after a page of a list. The API only pages forward, so the address also has the keys of
 * the pages that led here.
 *
 * @param texts of the links: first, previous, next
 * @param hint shown on the first page
 * @returns {{node, update(next)}} next is the key of the next page, if there is one
 */
export function pager(page, query, params, texts, hint) {
  const after = params.get('after') ?? '';
  const trail = (params.get('trail') ?? '').split(',').filter(Boolean);
  const link = (name, to) => h('a', { class: name, href: to, hidden: !to }, texts[name]);
  const next = link('next');
  const node = h(
    'nav',
    { class: 'pages', 'aria-label': 'Pages of the list' },
    link('first', after && address(page, query)),
    link('previous', trail.length > 0 && address(page, { ...query, after: trail.at(-1), trail: trail.slice(0, -1).join() })),
    next,
    after ? null : h('span', { class: 'hint' }, hint),
  );
  const pagesBefore = [...trail, after].filter(Boolean).slice(-TRAIL_PAGES_MAX).join();
  return {
    node,
    // The link stays the same element, so that it keeps the focus.
    update(key) {
      next.hidden = !key;
      if (key) next.href = address(page, { ...query, after: key, trail: pagesBefore });
    },
  };
}

// --- Tables ---

/**
 * A table with sortable columns that is updated row by row, so that focus and selection survive. On narrow screens the
 * cells of a row are stacked.
 *
 * @param {string} label what it lists
 * @param columns {title, cell(row), value(row) to sort by, numeric}
 * @param key returns the unique key of a row
 * @param empty shown in place of the table when it has no rows
 */
export function table(label, columns, key, empty) {
  // Explicit roles, because display: block in the style sheet removes the implicit ones.
  const body = h('tbody', { role: 'rowgroup' });
  const heads = columns.map((column, index) =>
    column.value
      ? h('th', { scope: 'col', role: 'columnheader', class: column.numeric && 'numeric' }, button(column.title, () => sortBy(index)))
      : h('th', { scope: 'col', role: 'columnheader', class: column.numeric && 'numeric' }, column.title),
  );
  const grid = h(
    'table',
    { role: 'table' },
    h('caption', { class: 'visually-hidden' }, label),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads)),
    body,
  );
  const scroller = h('div', { class: 'scroller', role: 'region', 'aria-label': label, tabindex: '0', hidden: true }, grid);
  const emptyNote = h('div', { class: 'empty', hidden: true }, empty);
  let rendered = new Map();
  let rows = null;
  const extent = h('p', { class: 'hint extent', role: 'status' });
  let isPart = false;
  let sort = history.state?.sorts?.[label] ?? null;
  showSort();

  function sortBy(index) {
    if (sort?.index !== index) sort = { index, direction: 1 };
    else if (sort.direction === 1) sort = { index, direction: -1 };
    else sort = null;
    remember({ sorts: { ...history.state?.sorts, [label]: sort } });
    showSort();
    update(rows, isPart);
  }

  function showSort() {
    heads.forEach((head, i) => {
      if (sort?.index === i) head.setAttribute('aria-sort', sort.direction === 1 ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    });
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

  /** @param isPartOfList whether the list has more rows than these, which are all that is sorted */
  function update(latest, isPartOfList = false) {
    const isFirst = rows === null;
    rows = latest;
    isPart = isPartOfList;
    setText(extent, sort && isPart ? `Sorted by ${columns[sort.index].title}: only the rows on this page.` : '');
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

  return { node: h('div', null, extent, scroller, emptyNote), update };
}
