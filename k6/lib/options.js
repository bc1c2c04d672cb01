// What the scenarios share: settings from the environment, thresholds, and the slices that a run is reported in.

import exec from 'k6/execution';
import { ENDING } from './ending.js';

/** A run is cut into so many slices of equal length: all that k6's summary can know of its course. */
export const SLICES = 10;

/** The calls of the mix and of the journeys. */
export const CALLS = ['place', 'read', 'list', 'cancel', 'update_status'];

// All that OMS answers, and 0 for no answer.
export const ANSWERS = [200, 201, 202, 204, 400, 404, 409, 412, 413, 415, 422, 500, 503, 0];

/** One wrong answer is one too many, and so is one unit of stock. */
export const CORRECT = {
  http_req_failed: ['rate==0'],
  checks: ['rate==1'],
  ...ENDING.thresholds,
};

/** What the simulator demands of the mix and the journeys. */
export const FAST = {
  'http_req_duration{name:place}': ['p(95)<500'],
  'http_req_duration{name:read}': ['p(95)<300'],
  'http_req_duration{name:list}': ['p(95)<500'],
  'http_req_duration{name:cancel}': ['p(95)<500'],
  'http_req_duration{name:update_status}': ['p(95)<500'],
};

/** Where there are journeys. */
export const SETTLED = {
  placed_to_settled: ['p(95)<3000'],
  // A consumer that rejected everything would be quick, too.
  'orders_settled{status:Confirmed}': ['count>0'],
};

/**
 * A whole number from the environment.
 * @param {string} name
 * @param {number} fallback
 * @param {number} [min]
 */
export function whole(name, fallback, min = 1) {
  const value = Number(__ENV[name] || fallback);
  if (!Number.isInteger(value) || value < min) {
    throw new Error(`${name} must be a whole number, at least ${min}, not ${__ENV[name]}`);
  }
  return value;
}

/**
 * DURATION, in seconds.
 * @param {string} fallback
 */
export function durationSeconds(fallback) {
  const text = __ENV.DURATION || fallback;
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  const [hours, minutes, seconds] = (parts || []).slice(1).map((part) => Number(part || 0));
  const total = hours * 3600 + minutes * 60 + seconds;
  if (!(total >= 1)) {
    throw new Error(`DURATION must be like 90s, 10m or 1h30m, not ${text}`);
  }
  return total;
}

/**
 * Journeys beside a mix.
 * @param {number} seconds
 * @returns {import('k6/options').Scenario}
 */
export function oneJourneyASecond(seconds) {
  return {
    executor: 'constant-arrival-rate',
    exec: 'journey',
    rate: 1,
    duration: `${seconds}s`,
    preAllocatedVUs: 20,
  };
}

/**
 * The options of a scenario: its thresholds, and beside them the metrics that its report reads. k6 sums up by tag only
 * what a threshold asks for; an empty list of thresholds asks and demands nothing.
 * @param {Record<string, import('k6/options').Scenario>} scenarios
 * @param {Record<string, string[]>} thresholds
 * @returns {import('k6/options').Options}
 */
export function optionsOf(scenarios, thresholds) {
  const reported = [
    'dropped_iterations',
    ...CALLS.map((name) => `http_req_duration{name:${name}}`),
    ...ANSWERS.map((status) => `http_reqs{status:${status}}`),
    ...Array.from({ length: SLICES }, (_, slice) => [
      `http_req_duration{slice:${slice}}`,
      `http_req_failed{slice:${slice}}`,
      `turned_away{slice:${slice}}`,
    ]).flat(),
  ];
  return {
    scenarios,
    summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
    thresholds: { ...Object.fromEntries(reported.map((metric) => [metric, []])), ...CORRECT, ...thresholds },
    teardownTimeout: ENDING.teardownTimeout,
  };
}

/**
 * Tags all that an iteration does with the slice of the run that it starts in.
 * @template [T=void]
 * @param {(data: T) => void} act
 */
export function inSlices(act) {
  return (/** @type {T} */ data) => {
    // An iteration that ends late sees a progress of 1.
    const slice = Math.min(SLICES - 1, Math.floor(exec.scenario.progress * SLICES));
    exec.vu.metrics.tags.slice = String(slice);
    act(data);
  };
}
