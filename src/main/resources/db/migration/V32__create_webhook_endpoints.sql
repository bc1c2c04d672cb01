-- Webhook endpoints and their cursors.
create table webhook_endpoints (
    id                    bigint generated always as identity primary key,
    url                   text not null,
    description           text not null,
    -- The types of events that are sent; empty for all.
    types                 text[] not null,
    -- Encrypted, with the id as associated data. The previous one signs too for a while after it was replaced.
    secret                bytea not null,
    previous_secret       bytea,
    previous_secret_until timestamptz,
    -- The cursor: every event up to here has been delivered, is of another type, or is in webhook_retries.
    position              bigint not null,
    -- The worker that sends; each has another token. Whatever changes the row sets both to null, and the worker notices.
    lease                 uuid,
    lease_until           timestamptz,
    -- Failures in a row, since when there has been no success, and, after too many, when the next attempt is made.
    failures              integer not null default 0,
    failing_since         timestamptz,
    probe_at              timestamptz,
    -- Null while events are sent. The worker disables what is gone (410) or has failed for days.
    disabled_at           timestamptz,
    disabled_reason       text constraint webhook_endpoints_disabled_reason_check
        check (disabled_reason in ('operator', 'gone', 'failing')),
    disabled_by           text,
    created_by            text not null,
    created_at            timestamptz not null,
    updated_by            text not null,
    updated_at            timestamptz not null
);
