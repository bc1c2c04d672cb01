// A moderate load for long: what leaks or grows shows as drift, from tenth to tenth of the report.
//
//   k6 run -e RATE=100 -e DURATION=8h k6/scenarios/soak.js
//
// RATE (100) calls of the mix a second for DURATION (1h). VUS (RATE) is how many of them may be under way at a time.
// Besides, one journey begins every second.

import { FAST, SETTLED, durationSeconds, inSlices, oneJourneyASecond, optionsOf, whole } from '../lib/options.js';
import * as people from '../lib/people.js';
import { summary } from '../lib/report.js';

export { drainAndAudit as teardown } from '../lib/ending.js';
export { demandSeed as setup } from '../lib/people.js';

const RATE = whole('RATE', 100);
const SECONDS = durationSeconds('1h');

export const handleSummary = summary('soak', SECONDS);

export const options = optionsOf(
  {
    mix: {
      executor: 'constant-arrival-rate',
      exec: 'mix',
      rate: RATE,
      duration: `${SECONDS}s`,
      preAllocatedVUs: whole('VUS', RATE),
    },
    journey: oneJourneyASecond(SECONDS),
  },
  { ...FAST, ...SETTLED },
);

export const mix = inSlices(people.mix);
export const journey = inSlices(people.journey);
