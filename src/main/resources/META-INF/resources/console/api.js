// The service, as the console calls it.

const TIMEOUT_MS = 15_000;

/** Why a call failed, in words for an operator. */
export class Problem extends Error {
  /** @param {number} status the HTTP status, 0 when there was no answer */
  constructor(status, detail, errors = []) {
    super(detail);
    this.status = status;
    this.errors = errors.map(({ field, message }) => `${field} ${message}`);
  }
}

/**
 * @returns {Promise<{body: any, etag: ?string, next: ?string}>} next is the `after` of the next page, if there is one
 * @throws {Problem} when the call is refused or nobody answers; an AbortError when the signal says so
 */
async function call(method, path, { query, body, etag, signal } = {}) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') {
      url.searchParams.set(name, value);
    }
  }
  const headers = new Headers();
  if (method !== 'GET') {
    headers.set('OMS-Actor', 'console');
  }
  if (body !== undefined) {
    headers.set('Content-Type', 'application/json');
  }
  if (etag) {
    headers.set('If-Match', etag);
  }
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let response;
  let text;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new Problem(0, 'OMS does not answer. Is web running, and can this browser reach it?');
  }
  if (!response.ok) {
    throw problemIn(response, text);
  }
  return {
    body: text ? JSON.parse(text) : null,
    etag: response.headers.get('ETag'),
    next: nextIn(response.headers.get('Link')),
  };
}

function problemIn(response, text) {
  try {
    const problem = JSON.parse(text);
    return new Problem(response.status, problem.detail ?? problem.title, problem.errors);
  } catch {
    return new Problem(response.status, `OMS answered ${response.status} without saying why.`);
  }
}

function nextIn(link) {
  const next = /<([^>]*)>;\s*rel="?next"?/.exec(link ?? '');
  return next && new URL(next[1], location.origin).searchParams.get('after');
}

export const get = (path, query, signal) => call('GET', path, { query, signal });
export const put = (path, body, etag) => call('PUT', path, { body, etag });
export const post = (path, etag) => call('POST', path, { etag });
export const remove = (path) => call('DELETE', path);
