-- Jobs that failed for a reason of their own. Those that only met an outage are not here.
create table failed_jobs (
    -- A job that names no order has a negative number instead, made of its entry's id in the stream.
    order_id        bigint primary key,
    attempts        integer not null,
    last_error      text not null,
    next_attempt_at timestamptz,
    -- Since when nobody tries any more. Until then next_attempt_at says when the next one is.
    dead_at         timestamptz,
    constraint failed_jobs_dead_check check ((dead_at is null) = (next_attempt_at is not null))
);
