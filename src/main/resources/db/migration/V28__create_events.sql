-- What happened, to orders and items, in the order in which the feed tells it. Append-only, written by the transaction that makes the
-- change.
create table events (
    -- Taken when the change's locks are held, so an effect has a higher number than its cause. Not the order of commits, and numbers
    -- of transactions that were rolled back are missing.
    position   bigint generated always as identity primary key,
    subject    text not null constraint events_subject_check check (subject in ('order', 'item')),
    -- No foreign key: the subject is locked by the transaction, and an item may be deleted later.
    subject_id bigint not null,
    -- The version that the change made of the subject. Two events of one change of an item have the same.
    version    bigint not null,
    -- Such as 'order.placed'.
    type       text not null,
    actor      text,
    detail     jsonb,
    created_at timestamptz not null default clock_timestamp()
);
-- Timelines. And an order changes once per version.
create unique index events_order_idx on events (subject_id, version) where subject = 'order';
