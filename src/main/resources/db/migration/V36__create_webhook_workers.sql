-- Workers that send webhooks, so that each takes its share of the endpoints. The lease is the token in webhook_endpoints.
create table webhook_workers (
    lease   uuid primary key,
    seen_at timestamptz not null
);
