-- How many attempts an endpoint had in each of the last hours: counting them would read up to millions.
create table webhook_counts (
    endpoint_id bigint not null,
    hour        timestamptz not null,
    succeeded   bigint not null,
    failed      bigint not null,
    primary key (endpoint_id, hour)
);
