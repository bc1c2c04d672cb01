// How every run ends: the queue drains, and the books are audited.

import { sleep } from 'k6';
import { Counter, Gauge } from 'k6/metrics';
import { OK, bodyOf, call } from './client.js';

const DRAIN_TIMEOUT_MS = 10 * 60 * 1000;
const POLL_EVERY_SECONDS = 1;
const AUDIT_TIMEOUT = '30m'; // it reads everything there is
const SHOWN_MAX = 10;

const jobsLeft = new Gauge('jobs_left');
const jobsFailed = new Gauge('jobs_failed');
const jobsDead = new Gauge('jobs_dead');
const audits = new Counter('audits');
const discrepancies = new Gauge('audit_discrepancies');

/** Put these among the options, and drainAndAudit into teardown. */
export const ENDING = {
  // Longer than both take at most.
  teardownTimeout: '45m',
  thresholds: {
    jobs_left: ['value==0'],
    jobs_failed: ['value==0'],
    jobs_dead: ['value==0'],
    // A gauge that nothing was written to is 0, too.
    audits: ['count==1'],
    audit_discrepancies: ['value==0'],
  },
};

/** Waits until no job is left, or ten minutes are over; then audits. The thresholds tell what came of it. */
export function drainAndAudit() {
  const started = Date.now();
  let res;
  let jobs;
  do {
    // First: the jobs of the last answers may still be on their way to Redis.
    sleep(POLL_EVERY_SECONDS);
    res = call('jobs', 'GET', '/jobs', OK);
    jobs = bodyOf(res);
  } while (res.status === 200 && jobs.depth !== 0 && Date.now() - started < DRAIN_TIMEOUT_MS);
  // Without an answer, or without Redis, nobody knows: that is not 0, either.
  jobsLeft.add(jobs.depth ?? -1);
  jobsFailed.add(jobs.failed ?? -1);
  jobsDead.add(jobs.dead ?? -1);

  res = call('audit', 'GET', '/inventory_items/audit', OK, null, AUDIT_TIMEOUT);
  const audit = bodyOf(res);
  // What breaks off on its way has no count.
  if (res.status === 200 && Number.isInteger(audit.count)) {
    audits.add(1);
    discrepancies.add(audit.count);
    for (const discrepancy of audit.discrepancies.slice(0, SHOWN_MAX)) {
      // @ts-expect-error k6 has a console, its types do not
      console.error(`Audit: ${JSON.stringify(discrepancy)}`);
    }
  }
}
