// A moderate load for a long time: leaks and growth show up as drift from one tenth of the report to the next.
//
//   k6 run -e RATE=100 -e DURATION=8h k6/scenarios/soak.js
//
// RATE (100) calls of the mix per second for DURATION (1h). VUS (RATE) limits the calls of the mix in flight. In addition,
// one journey starts every second.

import {
  LATENCY,
  SETTLEMENT,
  buildOptions,
  durationSeconds,
  integerSetting,
  oneJourneyPerSecond,
  taggedBySlice,
} from '../lib/options.js';
import * as workload from '../lib/workload.js';
import { summary } from '../lib/report.js';

export { drainAndAudit as teardown } from '../lib/teardown.js';
export { requireSeedData as setup } from '../lib/workload.js';

const RATE = integerSetting('RATE', 100);
const SECONDS = durationSeconds('1h');

export const handleSummary = summary('soak', SECONDS);

export const options = buildOptions(
  {
    mix: {
      executor: 'constant-arrival-rate',
      exec: 'mix',
      rate: RATE,
      duration: `${SECONDS}s`,
      preAllocatedVUs: integerSetting('VUS', RATE),
    },
    journey: oneJourneyPerSecond(SECONDS),
  },
  { ...LATENCY, ...SETTLEMENT },
);

export const mix = taggedBySlice(workload.mix);
export const journey = taggedBySlice(workload.journey);
