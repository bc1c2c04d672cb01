-- Runs of --import, which takes over the database of the Rails service. The last one is the one that may write.
create table imports (
    id            bigint generated always as identity primary key,
    started_at    timestamptz not null,
    finished_at   timestamptz,
    -- The highest ids of the source when the run began: rows with higher ids are not from an import.
    last_user_id  bigint not null,
    last_item_id  bigint not null,
    last_order_id bigint not null,
    -- What the report lists. Null until the run is finished.
    rejected      bigint,
    -- A sum over the names and thresholds of all items when the run was finished: OMS may have changed them since.
    items_digest  numeric
);
