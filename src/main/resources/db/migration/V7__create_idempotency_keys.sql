-- Which order a user's Idempotency-Key has made. Kept for a day or so, then purged.
create table idempotency_keys (
    user_id     bigint not null,
    key         text not null,
    -- SHA-256 of the order that was asked for: the key is good for no other.
    fingerprint bytea not null,
    order_id    bigint not null constraint idempotency_keys_order_id_fkey references orders,
    created_at  timestamptz not null,
    -- The second line against two orders under one key.
    primary key (user_id, key)
);

-- Read by the purge, oldest first.
create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
