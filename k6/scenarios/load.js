// A day in two minutes: calls arrive at a rate that rises, holds and falls, regardless of how fast OMS responds.
//
//   k6 run -e RATE=200 -e DURATION=2m k6/scenarios/load.js
//
// The mix ramps up to RATE (200) calls per second for a quarter of DURATION (2m), holds for half, and ramps down for a
// quarter. VUS (RATE) limits the calls of the mix in flight. In addition, one journey starts every second.

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

const RATE = integerSetting('RATE', 200);
const SECONDS = durationSeconds('2m');

export const handleSummary = summary('load', SECONDS);

export const options = buildOptions(
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
      preAllocatedVUs: integerSetting('VUS', RATE),
    },
    journey: oneJourneyPerSecond(SECONDS),
  },
  { ...LATENCY, ...SETTLEMENT },
);

export const mix = taggedBySlice(workload.mix);
export const journey = taggedBySlice(workload.journey);
