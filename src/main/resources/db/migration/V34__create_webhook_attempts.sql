-- Attempts to send an event: successes are kept for a day, failures for 30 days. No foreign key: an insert would lock the row of
-- the endpoint, and what is left of a deleted one goes when its time has come.
create table webhook_attempts (
    endpoint_id  bigint not null,
    id           bigint generated always as identity,
    -- The event's; 0 for a test.
    position     bigint not null,
    -- 1 for the first.
    attempt      integer not null,
    attempted_at timestamptz not null,
    succeeded    boolean not null,
    -- The HTTP status, or null if there was no response.
    status       integer,
    -- Why it failed.
    reason       text,
    ms           integer not null,
    -- The beginning of the response to an attempt that failed.
    response     text,
    primary key (endpoint_id, id)
);

create index webhook_attempts_failed_idx on webhook_attempts (endpoint_id, id) where not succeeded;

-- For deleting what is old.
create index webhook_attempts_succeeded_at_idx on webhook_attempts (attempted_at) where succeeded;

create index webhook_attempts_failed_at_idx on webhook_attempts (attempted_at) where not succeeded;
