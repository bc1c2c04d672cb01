// The simulator: concurrent users who place, read, list, cancel and update orders on the seeded data.
//
//   k6 run -e VUS=50 -e DURATION=1m k6/load_test.js
//
// VUS (20), DURATION (30s), BASE_URL (http://localhost:3000) and OMS_KEY (none) come from the environment. k6 exits with
// a code other than 0 if a threshold fails.

import { TEARDOWN } from './lib/teardown.js';
import { CORRECTNESS, LATENCY, SETTLEMENT, integerSetting } from './lib/options.js';

export { drainAndAudit as teardown } from './lib/teardown.js';
export { requireSeedData as setup, journey, mix } from './lib/workload.js';

const VUS = integerSetting('VUS', 20, 2);
const DURATION = __ENV.DURATION || '30s';
// Journeys spend most of their time waiting for the consumer; in separate VUs they do not slow down the mix.
const JOURNEY_VUS = Math.ceil(VUS / 10);

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: {
    mix: { executor: 'constant-vus', exec: 'mix', vus: VUS - JOURNEY_VUS, duration: DURATION },
    journey: { executor: 'constant-vus', exec: 'journey', vus: JOURNEY_VUS, duration: DURATION },
  },
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
  thresholds: { ...CORRECTNESS, ...LATENCY, ...SETTLEMENT },
  teardownTimeout: TEARDOWN.teardownTimeout,
};
