// Finds the knee: the mix rises in ten steps beyond what OMS can handle, and the report names the last step it sustained.
//
//   k6 run -e RATE=2000 -e DURATION=2m k6/scenarios/stress.js
//
// Each step lasts a tenth of DURATION (2m); the rate rises from a tenth of RATE (2000) calls per second to RATE. VUS (500)
// limits the calls in flight. Beyond the knee, OMS may be slow and return 503, but no other errors and no wrong responses.

import { expectOverload } from '../lib/client.js';
import { SLICES, buildOptions, durationSeconds, integerSetting, taggedBySlice } from '../lib/options.js';
import * as workload from '../lib/workload.js';
import { summary } from '../lib/report.js';

export { drainAndAudit as teardown } from '../lib/teardown.js';
export { requireSeedData as setup } from '../lib/workload.js';

const RATE = integerSetting('RATE', 2000, SLICES);
const SECONDS = durationSeconds('2m');
const STEP_SECONDS = SECONDS / SLICES;

// A step is sustained if nearly all of its calls were answered, in time, and none with 503.
const ANSWERED_SHARE = 0.95;
const P95_MS = 500;

const STEPS = Array.from({ length: SLICES }, (_, i) => Math.round((RATE * (i + 1)) / SLICES));

expectOverload();

export const handleSummary = summary('stress', SECONDS, knee);

export const options = buildOptions(
  {
    mix: {
      executor: 'ramping-arrival-rate',
      exec: 'mix',
      startRate: STEPS[0],
      // Jump to the step's rate and hold it.
      stages: STEPS.flatMap((rate) => [
        { target: rate, duration: '0s' },
        { target: rate, duration: `${STEP_SECONDS}s` },
      ]),
      preAllocatedVUs: integerSetting('VUS', 500),
    },
  },
  // Applies to the first step only; the others are meant to exceed it at some point.
  { 'http_req_duration{slice:0}': [`p(95)<${P95_MS}`] },
);

export const mix = taggedBySlice(workload.mix);

/** @param {import('../lib/report.js').Slice[]} slices */
function knee(slices) {
  const rates = slices.map(({ answered }) => Math.round(answered / STEP_SECONDS));
  const sustained = STEPS.map(
    (rate, i) => rates[i] >= ANSWERED_SHARE * rate && slices[i].p95 < P95_MS && slices[i].turnedAway === 0,
  );
  const figures = (/** @type {number} */ i) =>
    `${rates[i]}/s answered, p95 ${Math.round(slices[i].p95)} ms` +
    (slices[i].turnedAway ? `, ${slices[i].turnedAway} turned away` : '');
  const last = sustained.lastIndexOf(true);
  if (last < 0) {
    return `The knee is below ${STEPS[0]} calls/s (${figures(0)}). Lower RATE to find it.`;
  }
  if (last === SLICES - 1) {
    return `The knee is above ${STEPS[last]} calls/s (${figures(last)}). Raise RATE to find it.`;
  }
  return `The knee: OMS sustained ${STEPS[last]} calls/s (${figures(last)}), but not ${STEPS[last + 1]} (${figures(last + 1)}).`;
}
