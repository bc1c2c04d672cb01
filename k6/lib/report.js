// What a run comes to: a text on stdout and a page with charts, both from the sums that k6 hands to handleSummary.

import { SharedArray } from 'k6/data';
import { BASE_URL } from './client.js';
import { ANSWERS, CALLS, SLICES } from './options.js';

// The page carries all it needs, so that it opens anywhere. Shared: not every VU needs a copy.
const [TEMPLATE, UPLOT_JS, UPLOT_CSS] = new SharedArray('report', () => [
  open('./report.html'),
  open('./uplot/uPlot.iife.min.js'),
  open('./uplot/uPlot.min.css'),
]);

/** @typedef {{ values: Record<string, number>, thresholds?: Record<string, { ok: boolean }> }} Metric */
/** @typedef {{ metrics: Record<string, Metric>, state: { testRunDurationMs: number } }} Data what k6 hands over */

/** @typedef {{ count: number, med: number, p95: number, p99: number, max: number }} Times in ms */
/**
 * A tenth of a run, by when its calls were sent: how many got a wrong status, a 503 where that is right, and what they
 * asked for.
 * @typedef {Times & { failed: number, turnedAway: number, answered: number }} Slice
 */
/** @typedef {ReturnType<typeof runOf>} Run */

/**
 * A handleSummary.
 * @param {string} name of the scenario
 * @param {number} [seconds] how long its load lasts, when it is cut into slices
 * @param {(slices: Slice[]) => string} [conclude] what the slices say
 */
export function summary(name, seconds = 0, conclude = () => '') {
  return (/** @type {Data} */ data) => {
    const run = runOf(name, seconds, conclude, data);
    const file = __ENV.REPORT || `k6-${name}.html`;
    return { stdout: `${textOf(run)}\nCharts: ${file}\n`, [file]: pageOf(run) };
  };
}

/**
 * @param {string} name
 * @param {number} seconds
 * @param {(slices: Slice[]) => string} conclude
 * @param {Data} data
 */
function runOf(name, seconds, conclude, { metrics, state }) {
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
    statuses: ANSWERS.map((status) => ({ status, count: values(`http_reqs{status:${status}}`).count || 0 })).filter(
      ({ count }) => count,
    ),
    slices,
  };
}

/** @param {Run} run */
function textOf(run) {
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
      row('from s', 'right/s', '503/s', 'wrong', 'p50 ms', 'p95 ms', 'p99 ms'),
      ...run.slices.map((s, i) => {
        const perSecond = (/** @type {number} */ n) => (n / run.sliceSeconds).toFixed(1);
        const from = (i * run.sliceSeconds).toFixed(1);
        return row(from, perSecond(s.answered), perSecond(s.turnedAway), s.failed, ms(s.med), ms(s.p95), ms(s.p99));
      }),
      '',
    );
  }
  lines.push(`  Answers: ${run.statuses.map(({ status, count }) => `${count} × ${status || 'none'}`).join(', ')}`);
  if (run.dropped > 0) {
    lines.push(`  Not sent, for want of a free VU: ${run.dropped}`);
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
function pageOf(run) {
  // "<" could end the script that it stands in.
  const json = JSON.stringify(run).replace(/</g, '\\u003c');
  // Functions: in a string, "$&" and the like would mean something.
  return TEMPLATE.replace('/*uPlot.css*/', () => UPLOT_CSS)
    .replace('/*uPlot.js*/', () => UPLOT_JS)
    .replace('/*run*/ null', () => json);
}
