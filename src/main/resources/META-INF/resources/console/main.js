// Routes to the page in the URL's hash, and shows the service status on every page.

import { caller, credentials, identify, may, signIn, signOut, whenRefused } from './api.js';
import { follow, live, start, stop } from './live.js';
import { badge, button, enterPosition, h, number, restorePosition, setText, showExactTimes } from './ui.js';

/** Loaded when they are first shown. */
const PAGES = {
  flow: () => import('./flow.js'),
  orders: () => import('./orders.js'),
  inventory: () => import('./inventory.js'),
  jobs: () => import('./jobs.js'),
  webhooks: () => import('./webhooks.js'),
  keys: () => import('./keys.js'),
};
/** What each page needs. */
const SCOPES = {
  flow: 'jobs:read',
  orders: 'orders:read',
  inventory: 'inventory:read',
  jobs: 'jobs:read',
  webhooks: 'webhooks:write',
  keys: 'keys:write',
};
const WITH_ID = ['orders', 'inventory', 'webhooks'];

const main = document.getElementById('main');
let leaving = new AbortController();

/** The hash is #/page or #/page/id, optionally followed by a question mark and the page's parameters. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [page = '', id, ...rest] = path.split('/');
  const name = page || Object.keys(SCOPES).find((each) => may(SCOPES[each])) || 'flow';
  const exists = Object.hasOwn(PAGES, name) && rest.length === 0 && (!id || WITH_ID.includes(name));
  return { page: exists ? name : null, id, params: new URLSearchParams(query) };
}

async function show(moveFocus) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { page, id, params } = route();
  for (const link of document.querySelectorAll('nav a[data-page]')) {
    if (link.dataset.page === page) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const title = h('h1', { tabindex: '-1' }, page ? 'Loading…' : 'Page not found');
  main.replaceChildren(title);
  enterPosition();
  if (page && !may(SCOPES[page])) {
    title.textContent = 'Not allowed';
    main.append(h('p', null, `Your key does not have the scope ${SCOPES[page]}, which this page needs.`));
  } else if (page) {
    try {
      const { show: showPage } = await PAGES[page]();
      if (signal.aborted) return;
      await showPage({ main, title, id, params, signal });
      if (signal.aborted) return;
    } catch (error) {
      if (signal.aborted) return;
      console.error(error);
      title.textContent = 'This page did not load';
      main.replaceChildren(
        title,
        h('p', { role: 'alert' }, 'OMS may have been updated, or is not responding. Check that a web process is running, then reload.'),
        h('p', null, button('Reload', () => location.reload(), { class: 'main' })),
      );
    }
  } else {
    main.append(h('p', null, 'There is no such page. Choose one from the menu above.'));
    restorePosition();
  }
  document.title = `${title.textContent} · OMS`;
  if (moveFocus) title.focus({ preventScroll: true });
}

const STATE_LABELS = { connecting: 'Connecting…', live: 'Live', lost: 'Reconnecting…' };

function showState() {
  const indicator = document.getElementById('live');
  indicator.dataset.state = live.state;
  setText(indicator, STATE_LABELS[live.state]);
  setCount('low-count', live.flow?.low_stock, 'below threshold');
  setCount('job-count', live.flow && (live.flow.failed ?? 0) + (live.flow.dead ?? 0), 'failed or dead');
}

function setCount(id, value, description) {
  const badge = document.getElementById(id);
  badge.hidden = !value;
  if (badge.dataset.value !== String(value)) {
    badge.dataset.value = value;
    badge.replaceChildren(number(value), h('span', { class: 'visually-hidden' }, ` ${description}`));
  }
}

document.getElementById('skip').addEventListener('click', (event) => {
  // Following the link would change the hash, which names the page.
  event.preventDefault();
  main.focus();
});
const header = document.querySelector('.top');
// Which takes two lines in a narrow window.
new ResizeObserver(() =>
  document.documentElement.style.setProperty('--header-height', `${header.offsetHeight}px`),
).observe(header);
const times = document.getElementById('times');
times.addEventListener('click', () => {
  const exact = times.getAttribute('aria-pressed') !== 'true';
  times.setAttribute('aria-pressed', exact);
  showExactTimes(exact);
});

// --- Who uses it ---

let isStarted = false;

/** Shows what the caller may see. */
function enter() {
  document.querySelector('.top').hidden = false;
  for (const link of document.querySelectorAll('nav a[data-page]')) {
    link.parentElement.hidden = !may(SCOPES[link.dataset.page]);
  }
  const who = document.getElementById('who');
  who.replaceChildren(
    ...(caller.auth
      ? [h('bdi', null, caller.name.replace(/^key:/, '')), ' ', button('Sign out', signOut, { class: 'quiet' })]
      : [badge('Open to anybody', 'warn')]),
  );
  who.title = caller.auth ? '' : 'OMS_AUTH is off: whoever reaches this page may do everything.';
  document.getElementById('live').hidden = !may('jobs:read');
  if (may('jobs:read')) start();
  if (!isStarted) {
    isStarted = true;
    follow(new AbortController().signal, showState);
    addEventListener('hashchange', () => show(true));
  }
  show(false);
}

function askForKey(reason) {
  leaving.abort();
  stop();
  document.querySelector('.top').hidden = true;
  document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
  const key = h('input', { id: 'key', type: 'password', required: true, autocomplete: 'off', spellcheck: 'false', size: '60' });
  const problem = h('p', { class: 'hint', role: 'alert' }, reason);
  const submit = async (event) => {
    event.preventDefault();
    problem.textContent = '';
    try {
      await signIn(key.value.trim());
      enter();
    } catch (failure) {
      problem.textContent = failure.message;
      key.select();
    }
  };
  main.replaceChildren(
    h('h1', null, 'Sign in'),
    h(
      'form',
      { class: 'card sign-in', onsubmit: submit },
      h('div', { class: 'field' }, h('label', { for: 'key' }, 'API key'), key),
      h('p', { class: 'hint' }, 'It is kept until this tab is closed.'),
      problem,
      h('div', { class: 'actions' }, h('button', { type: 'submit', class: 'main' }, 'Sign in')),
    ),
  );
  document.title = 'Sign in · OMS';
  key.focus();
}

async function begin() {
  try {
    await identify();
  } catch (problem) {
    if (problem.status === 401) {
      askForKey(Object.keys(credentials()).length ? 'Your key is no longer accepted.' : '');
    } else {
      main.replaceChildren(
        h('h1', null, 'The console did not load'),
        h('p', { role: 'alert' }, problem.message),
        h('p', null, button('Try again', begin, { class: 'main' })),
      );
    }
    return;
  }
  enter();
}

whenRefused(() => askForKey('Your key is no longer accepted.'));
begin();
