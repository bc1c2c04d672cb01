// The client of OMS's API.

const TIMEOUT_MS = 15_000;

/** Why a call failed, in words for an operator. */
export class Problem extends Error {
  /** @param {number} status the HTTP status, 0 if there was no response */
  constructor(status, detail, errors = []) {
    super(detail);
    this.status = status;
    this.errors = errors.map(({ field, message }) => `${field} ${message}`);
  }

  /**
   * Whether this request did nothing. After any other failure it may have done something: only the response may be
   * lost. A browser that repeats a request by itself shows the refusal of the second one.
   */
  get isRefusal() {
    return this.status >= 400 && this.status < 500;
  }
}

// --- Who uses this console ---

// Kept for the tab: closing it signs out, and no other page can read it.
const KEY = 'oms-key';
const WHO = '/api_keys/current';

/** auth: whether calls need a key. scopes: what the caller may do. */
export const caller = { auth: false, name: null, scopes: [] };

export const may = (scope) => caller.scopes.includes(scope);

/** The headers that tell OMS who calls. */
export const credentials = () => {
  const key = sessionStorage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
};

/** Asks OMS who the caller is. @throws {Problem} with the status 401 when a key is needed, or another one */
export async function identify() {
  Object.assign(caller, (await call('GET', WHO)).body);
}

/** Uses a key from now on. @throws {Problem} as identify */
export async function signIn(key) {
  // Anything else cannot be sent in a header.
  if (!/^[!-~]+$/.test(key)) throw new Problem(401, 'This is not a key. It begins with oms_ and is 53 characters long.');
  sessionStorage.setItem(KEY, key);
  try {
    await identify();
  } catch (problem) {
    sessionStorage.removeItem(KEY);
    throw problem;
  }
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  location.reload();
}

let onRefused = () => {};

/** Calls the listener when a key is no longer accepted. */
export function whenRefused(listener) {
  onRefused = listener;
}

// --- Calls ---

/** The last response with an ETag, as {url, etag, result}: polling a resource that has not changed costs a 304. */
let tagged = null;

/**
 * @returns {Promise<{body: any, etag: ?string, next: ?string}>} next is the `after` parameter of the next page, if any
 * @throws {Problem} if the call is refused or gets no response; an AbortError if the signal aborts it
 */
async function call(method, path, { query, body, etag, key, signal } = {}) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') {
      url.searchParams.set(name, value);
    }
  }
  const headers = new Headers(credentials());
  if (method !== 'GET') {
    headers.set('OMS-Actor', 'console');
  }
  if (body !== undefined) {
    headers.set('Content-Type', 'application/json');
  }
  if (etag) {
    headers.set('If-Match', etag);
  }
  if (key) {
    headers.set('Idempotency-Key', key);
  }
  const known = method === 'GET' && tagged?.url === url.href ? tagged : null;
  if (known) {
    headers.set('If-None-Match', known.etag);
  }
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response;
  let text;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new Problem(0, 'No response from OMS. Check that a web process is running and that this browser can reach it.');
  }
  if (known && response.status === 304) {
    return known.result;
  }
  if (!response.ok) {
    if (response.status === 401 && path !== WHO) onRefused();
    throw parseProblem(response, text);
  }
  const result = {
    body: text ? JSON.parse(text) : null,
    etag: response.headers.get('ETag'),
    next: parseNext(response.headers.get('Link')),
  };
  if (method === 'GET' && result.etag) {
    tagged = { url: url.href, etag: result.etag, result };
  }
  return result;
}

function parseProblem(response, text) {
  try {
    const problem = JSON.parse(text);
    const detail = problem.errors?.length ? 'OMS did not accept this.' : (problem.detail ?? problem.title);
    return new Problem(response.status, detail, problem.errors);
  } catch {
    return new Problem(response.status, `OMS returned ${response.status} without an explanation.`);
  }
}

function parseNext(link) {
  const next = /<([^>]*)>;\s*rel="?next"?/.exec(link ?? '');
  return next && new URL(next[1], location.origin).searchParams.get('after');
}

export const get = (path, query, signal) => call('GET', path, { query, signal });
export const put = (path, body, etag) => call('PUT', path, { body, etag });
export const patch = (path, body) => call('PATCH', path, { body });
export const post = (path, { body, etag, key } = {}) => call('POST', path, { body, etag, key });
export const remove = (path) => call('DELETE', path);

/** An idempotency key: a browser repeats a request by itself when its connection is lost before the response. */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');

/**
 * Opens a stream of server-sent events, as a reader of text. By fetch, because an EventSource can send no key.
 *
 * @throws {Problem} if the call is refused; any other error if it gets no response
 */
export async function stream(path, signal) {
  const response = await fetch(path, { headers: credentials(), cache: 'no-store', signal });
  if (response.status === 401) onRefused();
  if (!response.ok) throw parseProblem(response, await response.text());
  return response.body.pipeThrough(new TextDecoderStream()).getReader();
}
