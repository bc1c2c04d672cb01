// Shows the page that the address names, and what the service's state is on all of them.

import * as flow from './flow.js';
import * as inventory from './inventory.js';
import * as jobs from './jobs.js';
import { follow, live, start } from './live.js';
import * as orders from './orders.js';
import { h, number, setText } from './ui.js';

const PAGES = { flow, orders, inventory, jobs };
const main = document.getElementById('main');
let leaving = new AbortController();

/** An address is #/page, or #/page/id, with the page's parameters behind a question mark. */
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
    title.textContent = 'No such page';
    main.append(h('p', null, 'Choose one above.'));
  }
  document.title = `${title.textContent} · OMS`;
  scrollTo(0, 0);
  if (moveFocus) title.focus();
}

const STATES = { connecting: 'Connecting…', live: 'Live', lost: 'Reconnecting…' };

function showState() {
  const place = document.getElementById('live');
  place.dataset.state = live.state;
  setText(place, STATES[live.state]);
  count('low-count', live.flow?.low_stock, 'below threshold');
  count('job-count', live.flow && (live.flow.failed ?? 0) + (live.flow.dead ?? 0), 'failed or dead');
}

function count(id, value, what) {
  const place = document.getElementById(id);
  place.hidden = !value;
  if (place.dataset.value !== String(value)) {
    place.dataset.value = value;
    place.replaceChildren(number(value), h('span', { class: 'unseen' }, ` ${what}`));
  }
}

document.getElementById('skip').addEventListener('click', (event) => {
  // The address names the page; it must not change.
  event.preventDefault();
  main.focus();
});
addEventListener('hashchange', () => show(true));
start();
follow(new AbortController().signal, showState);
show(false);
