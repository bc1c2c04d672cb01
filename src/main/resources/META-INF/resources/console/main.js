// Routes to the page in the URL's hash, and shows the service status on every page.

import { follow, live, start } from './live.js';
import { button, enterPosition, h, number, restorePosition, setText, showExactTimes } from './ui.js';

/** Loaded when they are first shown. */
const PAGES = {
  flow: () => import('./flow.js'),
  orders: () => import('./orders.js'),
  inventory: () => import('./inventory.js'),
  jobs: () => import('./jobs.js'),
};
const WITH_ID = ['orders', 'inventory'];

const main = document.getElementById('main');
let leaving = new AbortController();

/** The hash is #/page or #/page/id, optionally followed by a question mark and the page's parameters. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [page = '', id, ...rest] = path.split('/');
  const name = page || 'flow';
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
  if (page) {
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
addEventListener('hashchange', () => show(true));
start();
follow(new AbortController().signal, showState);
show(false);
