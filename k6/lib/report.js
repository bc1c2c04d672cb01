// The report of a run: text on stdout and a page with charts, both from the totals that k6 passes to handleSummary.

import { SharedArray } from 'k6/data';
import { BASE_URL } from './client.js';
import { STATUS_CODES, CALLS, SLICES } from './options.js';

// The page is self-contained, so it opens anywhere. A SharedArray, so that not every VU holds a copy.
const [TEMPLATE, UPLOT_JS, UPLOT_CSS] = new SharedArray('report', () => [
  open('./report.html'),
  open('./uplot/uPlot.iife.min.js'),
  open('./uplot/uPlot.min.css'),
]);

/** @typedef {{ values: Record<string, number>, thresholds?: Record<string, { ok: boolean }> }} Metric */
/** @typedef {{ metrics: Record<string, Metric>, state: { testRunDurationMs: number } }} Data k6's summary data */

/** @typedef {{ count: number, med: number, p95: number, p99: number, max: number }} Times in ms */
/**
 * The calls sent in one tenth of a run: how many got an unexpected status (failed), an accepted 503 (turnedAway), and the
 * expected status (answered).
 * @typedef {Times & { failed: number, turnedAway: number, answered: number }} Slice
 */
/** @typedef {ReturnType<typeof toRun>} Run */

/**
 * Returns a handleSummary function.
 * @param {string} name name of the scenario
 * @param {number} [seconds] duration of the load, if it is to be reported in slices
 * @param {(slices: Slice[]) => string} [conclude] returns a conclusion drawn from the slices
 */
export function summary(name, seconds = 0, conclude = () => '') {
  return (/** @type {Data} */ data) => {
    const run = toRun(name, seconds, conclude, data);
    const file = __ENV.REPORT || `k6-${name}.html`;
    return { stdout: `${toText(run)}\nCharts: ${file}\n`, [file]: toPage(run) };
  };
}

/**
 * @param {string} name
 * @param {number} seconds
 * @param {(slices: Slice[]) => string} conclude
 * @param {Data} data
 */
function toRun(name, seconds, conclude, { metrics, state }) {
  const values = (/** @type {string} */ metric) => metrics[metric]?.values || {};
  /** @returns {Times} */
  const times = (/** @type {string} */ metric) => {
    const { count = 0, med, max, 'p(95)': p95, 'p(99)': p99 } = values(metric);
    return { count, med, p95, p99, max };
  };
  const slices = Array.from({ length: seconds ? SLICES : 0 }, (_, i) => {
    const all = times(`http_req_duration{slice:${i}}`);
    const failed = values(`http_req_failed{slice:${i}}`).passes || 0;
    const turnedAway = values(`turned_away{slice:${i}}`).count || 0;
    return { ...all, failed, turnedAway, answered: all.count - failed - turnedAway };
  });
  return {
    name,
    url: BASE_URL,
    seconds: Math.round(state.testRunDurationMs / 1000),
    sliceSeconds: seconds / SLICES,
    thresholds: Object.entries(metrics)
      .flatMap(([metric, { thresholds = {}, values }]) =>
        Object.entries(thresholds).map(([rule, { ok }]) => {
          const value = values[rule.split(/[<>=!]/)[0]];
          return { metric, rule, ok, value: String(Math.round(value * 10000) / 10000) };
        }),
      )
      .sort((a, b) => Number(a.ok) - Number(b.ok) || a.metric.localeCompare(b.metric)),
    conclusion: slices.length > 0 ? conclude(slices) : '',
    dropped: values('dropped_iterations').count || 0,
    calls: CALLS.map((call) => ({ call, ...times(`http_req_duration{name:${call}}`) })).filter(({ count }) => count),
    statuses: STATUS_CODES.map((status) => ({ status, count: values(`http_reqs{status:${status}}`).count || 0 })).filter(
      ({ count }) => count,
    ),
    slices,
  };
}

/** @param {Run} run */
function toText(run) {
  const failed = run.thresholds.filter(({ ok }) => !ok).length;
  const lines = [
    '',
    `${run.name} at ${run.url}, ${run.seconds} s: ${failed ? `FAILED ${failed} of` : 'passed all'} ${run.thresholds.length} thresholds`,
    '',
    ...run.thresholds.map(({ ok, metric, rule, value }) => `  ${ok ? '✓' : '✗'} ${metric} ${rule}: ${value}`),
    '',
    row('call', 'count', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'),
    ...run.calls.map((c) => row(c.call, c.count, ms(c.med), ms(c.p95), ms(c.p99), ms(c.max))),
    '',
  ];
  if (run.slices.length > 0) {
    lines.push(
      row('from s', 'ok/s', '503/s', 'failed', 'p50 ms', 'p95 ms', 'p99 ms'),
      ...run.slices.map((s, i) => {
        const perSecond = (/** @type {number} */ n) => (n / run.sliceSeconds).toFixed(1);
        const from = (i * run.sliceSeconds).toFixed(1);
        return row(from, perSecond(s.answered), perSecond(s.turnedAway), s.failed, ms(s.med), ms(s.p95), ms(s.p99));
      }),
      '',
    );
  }
  lines.push(`  Responses: ${run.statuses.map(({ status, count }) => `${count} × ${status || 'none'}`).join(', ')}`);
  if (run.dropped > 0) {
    lines.push(`  Not sent, no free VU: ${run.dropped}`);
  }
  if (run.conclusion) {
    lines.push('', `  ${run.conclusion}`);
  }
  return lines.join('\n') + '\n';
}

/** @param {(string | number)[]} cells */
function row(...[first, ...rest]) {
  return `  ${String(first).padEnd(14)}${rest.map((cell) => String(cell).padStart(10)).join('')}`;
}

/** @param {number | undefined} value */
function ms(value) {
  return value === undefined ? '–' : value.toFixed(1);
}

/** @param {Run} run */
function toPage(run) {
  // Escaped, because "</script>" in the data would end the script element.
  const json = JSON.stringify(run).replace(/</g, '\\u003c');
  // Replacement functions, because "$&" and the like are special in replacement strings.
  return TEMPLATE.replace('/*uPlot.css*/', () => UPLOT_CSS)
    .replace('/*uPlot.js*/', () => UPLOT_JS)
    .replace('/*run*/ null', () => json);
}
