// The end of every run: waits for the queue to drain, then has the stock audited.

import { sleep } from 'k6';
import { Counter, Gauge } from 'k6/metrics';
import { ACCEPTED, OK, jsonBody, call } from './client.js';

const DRAIN_TIMEOUT_MS = 10 * 60 * 1000;
const POLL_EVERY_SECONDS = 1;
const AUDIT_TIMEOUT_MS = 30 * 60 * 1000; // the audit reads the whole database
const LOGGED_MAX = 10;

const jobsLeft = new Gauge('jobs_left');
const jobsFailed = new Gauge('jobs_failed');
const jobsDead = new Gauge('jobs_dead');
const audits = new Counter('audits');
const discrepancies = new Gauge('audit_discrepancies');

/** Options for scripts that export drainAndAudit as teardown. */
export const TEARDOWN = {
  // Longer than draining (10 min) and the audit (30 min) may take.
  teardownTimeout: '45m',
  thresholds: {
    jobs_left: ['value==0'],
    jobs_failed: ['value==0'],
    jobs_dead: ['value==0'],
    // Proves that the audit ran: a gauge that was never set is 0 too.
    audits: ['count==1'],
    audit_discrepancies: ['value==0'],
  },
};

/** Waits up to ten minutes for the queue to drain, then audits. The thresholds in TEARDOWN decide whether the run fails. */
export function drainAndAudit() {
  const started = Date.now();
  let res;
  let jobs;
  do {
    // Sleep first: the jobs of the last orders may still be on their way to Redis.
    sleep(POLL_EVERY_SECONDS);
    res = call('jobs', 'GET', '/jobs', OK);
    jobs = jsonBody(res);
  } while (res.status === 200 && jobs.depth !== 0 && Date.now() - started < DRAIN_TIMEOUT_MS);
  // Without a response, or without Redis, the number is unknown: -1 fails the threshold.
  jobsLeft.add(jobs.depth ?? -1);
  jobsFailed.add(jobs.failed ?? -1);
  jobsDead.add(jobs.dead ?? -1);

  res = call('request_audit', 'POST', '/inventory_items/audit', ACCEPTED);
  const asked = jsonBody(res).id;
  const askedAt = Date.now();
  let audit;
  while (Number.isInteger(asked) && Date.now() - askedAt < AUDIT_TIMEOUT_MS) {
    res = call('audit', 'GET', '/inventory_items/audit', OK);
    audit = jsonBody(res);
    // An earlier audit may not have seen everything.
    if (res.status !== 200 || audit.id >= asked) {
      break;
    }
    sleep(POLL_EVERY_SECONDS);
  }
  if (audit?.id >= asked && audit.status === 'Complete') {
    audits.add(1);
    discrepancies.add(audit.count);
    for (const discrepancy of audit.discrepancies.slice(0, LOGGED_MAX)) {
      // @ts-expect-error k6 has a console, but its types do not declare it
      console.error(`Audit: ${JSON.stringify(discrepancy)}`);
    }
  }
}
