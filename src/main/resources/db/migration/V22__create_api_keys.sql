-- Who may call. A key is shown once, when it is created; what is stored cannot be turned back into it.
create table api_keys (
    id           bigint generated always as identity primary key,
    name         text not null,
    -- The first characters of the key, by which a person tells it from others.
    hint         text not null,
    -- SHA-256 of the key.
    digest       bytea not null constraint api_keys_digest_key unique,
    scopes       text[] not null,
    -- The only user whose data the key sees, or null for all.
    user_id      bigint constraint api_keys_user_id_fkey references users,
    -- Units per second, or null for the default.
    rate         integer,
    created_by   text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
