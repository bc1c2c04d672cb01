// Routes to the page in the URL's hash, and shows the service status on every page.

import * as flow from './flow.js';
import * as inventory from './inventory.js';
import * as jobs from './jobs.js';
import { follow, live, start } from './live.js';
import * as orders from './orders.js';
import { h, number, setText } from './ui.js';

const PAGES = { flow, orders, inventory, jobs };
const main = document.getElementById('main');
let leaving = new AbortController();

/** The hash is #/page or #/page/id, optionally followed by a question mark and the page's parameters. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [page = '', id] = path.split('/');
  return { page: page || 'flow', id, params: new URLSearchParams(query) };
}

function show(moveFocus) {
  leaving.abort();
  leaving = new AbortController();
  const { page, id, params } = route();
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.page === page) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const title = h('h1', { tabindex: '-1' });
  main.replaceChildren(title);
  if (PAGES[page]) {
    PAGES[page].show({ main, title, id, params, signal: leaving.signal });
  } else {
    title.textContent = 'Page not found';
    main.append(h('p', null, 'Choose a page from the menu above.'));
  }
  document.title = `${title.textContent} · OMS`;
  scrollTo(0, 0);
  if (moveFocus) title.focus();
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
addEventListener('hashchange', () => show(true));
start();
follow(new AbortController().signal, showState);
show(false);
