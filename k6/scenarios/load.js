// A day in two minutes: calls come at a rate that rises, holds and falls, however fast OMS answers.
//
//   k6 run -e RATE=200 -e DURATION=2m k6/scenarios/load.js
//
// A quarter of DURATION (2m) up to RATE (200) calls of the mix a second, half at it, a quarter down. VUS (RATE) is how
// many of them may be under way at a time. Besides, one journey begins every second.

import { FAST, SETTLED, durationSeconds, inSlices, oneJourneyASecond, optionsOf, whole } from '../lib/options.js';
import * as people from '../lib/people.js';
import { summary } from '../lib/report.js';

export { drainAndAudit as teardown } from '../lib/ending.js';
export { demandSeed as setup } from '../lib/people.js';

const RATE = whole('RATE', 200);
const SECONDS = durationSeconds('2m');

export const handleSummary = summary('load', SECONDS);

export const options = optionsOf(
  {
    mix: {
      executor: 'ramping-arrival-rate',
      exec: 'mix',
      startRate: 0,
      stages: [
        { target: RATE, duration: `${SECONDS / 4}s` },
        { target: RATE, duration: `${SECONDS / 2}s` },
        { target: 0, duration: `${SECONDS / 4}s` },
      ],
      preAllocatedVUs: whole('VUS', RATE),
    },
    journey: oneJourneyASecond(SECONDS),
  },
  { ...FAST, ...SETTLED },
);

export const mix = inSlices(people.mix);
export const journey = inSlices(people.journey);
