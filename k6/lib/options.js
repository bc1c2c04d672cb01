// Shared by the scenarios: settings from the environment, thresholds, and the slices that a run is reported in.

import exec from 'k6/execution';
import { TEARDOWN } from './teardown.js';

/** A report divides the run into this many equal slices. k6's summary has only totals, so metrics are tagged by slice. */
export const SLICES = 10;

/** The calls of the mix and of the journeys. */
export const CALLS = ['place', 'read', 'list', 'cancel', 'update_status'];

// Every status that OMS returns, and 0 for no response.
export const STATUS_CODES = [200, 201, 202, 204, 400, 404, 409, 412, 413, 415, 422, 500, 503, 0];

/** No tolerance for wrong responses or wrong stock. */
export const CORRECTNESS = {
  http_req_failed: ['rate==0'],
  checks: ['rate==1'],
  ...TEARDOWN.thresholds,
};

/** Latency limits for the mix and the journeys. */
export const LATENCY = {
  'http_req_duration{name:place}': ['p(95)<500'],
  'http_req_duration{name:read}': ['p(95)<300'],
  'http_req_duration{name:list}': ['p(95)<500'],
  'http_req_duration{name:cancel}': ['p(95)<500'],
  'http_req_duration{name:update_status}': ['p(95)<500'],
};

/** For scenarios with journeys. */
export const SETTLEMENT = {
  placed_to_settled: ['p(95)<3000'],
  // A consumer that rejected every order would be fast too.
  'orders_settled{status:Confirmed}': ['count>0'],
};

/**
 * Reads an integer from the environment.
 * @param {string} name
 * @param {number} fallback
 * @param {number} [min]
 */
export function integerSetting(name, fallback, min = 1) {
  const value = Number(__ENV[name] || fallback);
  if (!Number.isInteger(value) || value < min) {
    throw new Error(`${name} must be an integer of at least ${min}, not ${__ENV[name]}`);
  }
  return value;
}

/**
 * Returns DURATION in seconds.
 * @param {string} fallback
 */
export function durationSeconds(fallback) {
  const text = __ENV.DURATION || fallback;
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  const [hours, minutes, seconds] = (parts || []).slice(1).map((part) => Number(part || 0));
  const total = hours * 3600 + minutes * 60 + seconds;
  if (!(total >= 1)) {
    throw new Error(`DURATION must have a form like 90s, 10m or 1h30m, not ${text}`);
  }
  return total;
}

/**
 * A scenario that runs journeys next to the mix.
 * @param {number} seconds
 * @returns {import('k6/options').Scenario}
 */
export function oneJourneyPerSecond(seconds) {
  return {
    executor: 'constant-arrival-rate',
    exec: 'journey',
    rate: 1,
    duration: `${seconds}s`,
    preAllocatedVUs: 20,
  };
}

/**
 * Builds a script's options. k6 aggregates by tag only the metrics that have a threshold, so every metric in the report
 * gets an empty list of thresholds, which always passes.
 * @param {Record<string, import('k6/options').Scenario>} scenarios
 * @param {Record<string, string[]>} thresholds
 * @returns {import('k6/options').Options}
 */
export function buildOptions(scenarios, thresholds) {
  const reported = [
    'dropped_iterations',
    ...CALLS.map((name) => `http_req_duration{name:${name}}`),
    ...STATUS_CODES.map((status) => `http_reqs{status:${status}}`),
    ...Array.from({ length: SLICES }, (_, slice) => [
      `http_req_duration{slice:${slice}}`,
      `http_req_failed{slice:${slice}}`,
      `turned_away{slice:${slice}}`,
    ]).flat(),
  ];
  return {
    scenarios,
    summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
    thresholds: { ...Object.fromEntries(reported.map((metric) => [metric, []])), ...CORRECTNESS, ...thresholds },
    teardownTimeout: TEARDOWN.teardownTimeout,
  };
}

/**
 * Wraps an iteration so that its metrics are tagged with the slice of the run in which it starts.
 * @template [T=void]
 * @param {(data: T) => void} iteration
 */
export function taggedBySlice(iteration) {
  return (/** @type {T} */ data) => {
    // Progress may be 1 for the last iterations.
    const slice = Math.min(SLICES - 1, Math.floor(exec.scenario.progress * SLICES));
    exec.vu.metrics.tags.slice = String(slice);
    iteration(data);
  };
}
