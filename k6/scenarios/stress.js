// To the knee: the mix comes in ten steps up to more than OMS can do, and the report says which was the last it held.
//
//   k6 run -e RATE=2000 -e DURATION=2m k6/scenarios/stress.js
//
// Ten steps of a tenth of DURATION (2m), from a tenth of RATE (2000) calls a second to all of it. VUS (500) is how many
// may be under way at a time. Beyond the knee OMS may be slow and may answer 503, but nothing else, and never wrongly.

import { expectOverload } from '../lib/client.js';
import { SLICES, durationSeconds, inSlices, optionsOf, whole } from '../lib/options.js';
import * as people from '../lib/people.js';
import { summary } from '../lib/report.js';

export { drainAndAudit as teardown } from '../lib/ending.js';
export { demandSeed as setup } from '../lib/people.js';

const RATE = whole('RATE', 2000, SLICES);
const SECONDS = durationSeconds('2m');
const STEP_SECONDS = SECONDS / SLICES;

// A step is held when nearly all that was asked for was answered, in time, and not by a 503.
const ANSWERED_SHARE = 0.95;
const P95_MS = 500;

const STEPS = Array.from({ length: SLICES }, (_, i) => Math.round((RATE * (i + 1)) / SLICES));

expectOverload();

export const handleSummary = summary('stress', SECONDS, knee);

export const options = optionsOf(
  {
    mix: {
      executor: 'ramping-arrival-rate',
      exec: 'mix',
      startRate: STEPS[0],
      // To the step at once, and stay there.
      stages: STEPS.flatMap((rate) => [
        { target: rate, duration: '0s' },
        { target: rate, duration: `${STEP_SECONDS}s` },
      ]),
      preAllocatedVUs: whole('VUS', 500),
    },
  },
  // Of the first step only: the others are there to find where it ends.
  { 'http_req_duration{slice:0}': [`p(95)<${P95_MS}`] },
);

export const mix = inSlices(people.mix);

/** @param {import('../lib/report.js').Slice[]} slices */
function knee(slices) {
  const rates = slices.map(({ answered }) => Math.round(answered / STEP_SECONDS));
  const held = STEPS.map(
    (rate, i) => rates[i] >= ANSWERED_SHARE * rate && slices[i].p95 < P95_MS && slices[i].turnedAway === 0,
  );
  const figures = (/** @type {number} */ i) =>
    `${rates[i]}/s answered, p95 ${Math.round(slices[i].p95)} ms` +
    (slices[i].turnedAway ? `, ${slices[i].turnedAway} turned away` : '');
  const last = held.lastIndexOf(true);
  if (last < 0) {
    return `The knee is below ${STEPS[0]} calls/s (${figures(0)}): lower RATE.`;
  }
  if (last === SLICES - 1) {
    return `The knee is above ${STEPS[last]} calls/s (${figures(last)}): raise RATE.`;
  }
  return `The knee: ${STEPS[last]} calls/s were held (${figures(last)}), ${STEPS[last + 1]} were not (${figures(last + 1)}).`;
}
