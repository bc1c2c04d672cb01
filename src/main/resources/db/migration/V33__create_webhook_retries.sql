-- Events that an endpoint's cursor has passed and that are still to be sent: after a failure, or because somebody asked for it.
create table webhook_retries (
    endpoint_id     bigint not null references webhook_endpoints on delete cascade,
    -- The event's; 0 for a test.
    position        bigint not null,
    subject         text not null,
    subject_id      bigint not null,
    -- Attempts made so far.
    attempt         integer not null default 0,
    -- Null while it waits behind an earlier event of its subject.
    next_attempt_at timestamptz,
    primary key (endpoint_id, position)
);

create index webhook_retries_due_idx on webhook_retries (endpoint_id, next_attempt_at) where next_attempt_at is not null;

create index webhook_retries_subject_idx on webhook_retries (endpoint_id, subject, subject_id, position);
