// The simulator: people who place, read, list, cancel and move on orders over the seeded data, all at once.
//
//   k6 run -e VUS=50 -e DURATION=1m k6/load_test.js
//
// VUS (20), DURATION (30s) and BASE_URL (http://localhost:3000) come from the environment. A crossed threshold makes
// k6 exit with a code other than 0.

import { ENDING } from './lib/ending.js';
import { CORRECT, FAST, SETTLED, whole } from './lib/options.js';

export { drainAndAudit as teardown } from './lib/ending.js';
export { demandSeed as setup, journey, mix } from './lib/people.js';

const VUS = whole('VUS', 20, 2);
const DURATION = __ENV.DURATION || '30s';
// Journeys mostly wait for the consumer: in VUs of their own they do not thin out the mix.
const JOURNEY_VUS = Math.ceil(VUS / 10);

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: {
    mix: { executor: 'constant-vus', exec: 'mix', vus: VUS - JOURNEY_VUS, duration: DURATION },
    journey: { executor: 'constant-vus', exec: 'journey', vus: JOURNEY_VUS, duration: DURATION },
  },
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
  thresholds: { ...CORRECT, ...FAST, ...SETTLED },
  teardownTimeout: ENDING.teardownTimeout,
};
