// The Keys page: who may call OMS, and what each key may do.

import { get, may, post } from './api.js';
import { action, ask, autoRefresh, badge, h, name, number, pager, showError, showInfo, showSecret, table, time } from './ui.js';

const REFRESH_MS = 5_000;
const PAGE_ROWS = 50;
const ROLES = ['storefront', 'warehouse', 'operator', 'admin', 'customer'];
const TONES = { active: 'ok', revoked: 'off', expired: 'off' };

export function show({ main, title, params, signal }) {
  title.textContent = 'Keys';
  const after = params.get('after') ?? '';
  const list = table(
    'Keys, newest first',
    [
      { title: 'Name', cell: (k) => name(k.name), value: (k) => k.name },
      { title: 'Key', cell: (k) => h('code', null, `${k.hint}…`), value: (k) => k.hint },
      { title: 'Status', cell: (k) => h('span', null, badge(k.status, TONES[k.status]), k.revoked_by ? [' by ', name(k.revoked_by)] : null), value: (k) => k.status },
      { title: 'Scopes', cell: (k) => h('span', { class: 'long' }, k.scopes.join(', ')), value: (k) => k.scopes.length },
      { title: 'User', cell: (k) => (k.user_id ? h('a', { href: `#/orders?user_id=${k.user_id}` }, `${k.user_id}`) : 'all'), value: (k) => k.user_id },
      { title: 'Last used', cell: (k) => (k.last_used_at ? time(k.last_used_at) : 'never'), value: (k) => k.last_used_at, numeric: true },
      { title: 'Expires', cell: (k) => (k.expires_at ? time(k.expires_at) : 'never'), value: (k) => k.expires_at, numeric: true },
      { title: 'Created', cell: (k) => h('span', null, time(k.created_at), ' by ', name(k.created_by)), value: (k) => k.created_at },
      { title: 'Actions', cell: actions },
    ],
    (k) => k.id,
    'No keys.',
  );
  const status = h('div');
  const pages = pager('keys', {}, params, { first: '« First page', previous: '‹ Previous page', next: 'Next page ›' });
  main.append(
    h('div', { class: 'search' }, action('Create key…', create, { id: 'create', class: 'main', hidden: !may('keys:write') })),
    status,
    list.node,
    pages.node,
  );

  const refresh = autoRefresh('keys', status, REFRESH_MS, signal, async () => {
    const { body, next } = await get('/api_keys', { after, limit: PAGE_ROWS }, signal);
    list.update(body, Boolean(after || next));
    pages.update(next);
  });

  function actions(key) {
    return key.status === 'active'
      ? h(
          'div',
          { class: 'actions' },
          // A key is replaced once.
          action('Replace…', () => roll(key), { 'aria-label': `Replace the key ${key.name}`, hidden: Boolean(key.successor_id) }),
          action('Revoke…', () => revoke(key), { class: 'danger', 'aria-label': `Revoke the key ${key.name}` }),
        )
      : '–';
  }

  async function create() {
    const keyName = h('input', { id: 'name', required: true, maxlength: '63', autocomplete: 'off', autofocus: true });
    const role = h('select', { id: 'role' }, ROLES.map((each) => h('option', null, each)));
    const user = h('input', { id: 'user', type: 'number', min: '1', step: '1' });
    const days = h('input', { id: 'days', type: 'number', min: '1', max: '3650', step: '1' });
    await ask({
      title: 'Create a key',
      text: 'The key is shown once. Whatever is done with it is recorded under its name.',
      fields: [
        ['Name, such as shop-1', keyName],
        ['Role', role],
        ['User id, for a customer', user],
        ['Days until it expires (optional)', days],
      ],
      go: 'Create key',
      tone: 'main',
      perform: async () => {
        const body = { name: keyName.value.trim(), role: role.value };
        if (user.value) body.user_id = Number(user.value);
        if (days.value) body.expires_at = new Date(Date.now() + days.value * 86_400_000).toISOString();
        await reveal(post('/api_keys', { body }));
      },
      signal,
    });
    await refresh();
  }

  async function roll(key) {
    const hours = h('input', { id: 'hours', type: 'number', min: '0', max: '2160', step: '1', value: '24', required: true });
    await ask({
      title: `Replace the key ${key.name}?`,
      text: 'A new key gets the same permissions. The old one is accepted for as long as you say, then no more.',
      fields: [['Hours until the old key ends', hours]],
      go: 'Replace key',
      perform: () => reveal(post(`/api_keys/${key.id}/roll`, { body: { overlap_seconds: hours.value * 3_600 } })),
      signal,
    });
    await refresh();
  }

  async function revoke(key) {
    const text = 'Whoever uses it is refused within a second. This cannot be undone.';
    if (await ask({ title: `Revoke the key ${key.name}?`, text, go: 'Revoke key', signal })) {
      try {
        await post(`/api_keys/${key.id}/revoke`);
        showInfo(`The key ${key.name} is revoked.`);
      } catch (problem) {
        showError(problem);
      }
      await refresh();
    }
  }

  async function reveal(created) {
    const { body: key } = await created;
    showSecret(title, ['The new key ', name(key.name)], key.key, `It has ${number(key.scopes.length)} scopes.`);
  }
}
