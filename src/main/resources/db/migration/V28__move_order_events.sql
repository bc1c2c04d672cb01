-- Moves the timelines of orders into events. Processes of the version before go on writing and reading them by a view that has the
-- table's name; a later release drops the view and its function.
--
-- What was in the table gets positions below 0, order by order. The feed begins above: it does not tell half of what happened long
-- ago, without the placements. And an order's old events are before its new ones, although these are not waited for.
create or replace function record_order_event() returns trigger language plpgsql as $$
begin
    insert into events (subject, subject_id, version, type, actor, created_at) values (
        'order', new.order_id, new.version,
        case new.event when 'OutForDelivery' then 'order.out_for_delivery' else 'order.' || lower(new.event) end,
        new.actor, new.created_at);
    return new;
end $$;

-- From here on everything new is in events, and the table no longer changes.
--
-- All others queue behind a lock request that waits. So wait only briefly (lock_timeout), and retry.
do $$
begin
    if (select relkind from pg_class where oid = to_regclass('order_events')) = 'r' then
        for attempt in 1..60 loop
            begin
                alter table order_events rename to order_events_before;
                create view order_events as
                    select subject_id order_id, version,
                        case type when 'order.out_for_delivery' then 'OutForDelivery' else initcap(substr(type, 7)) end event,
                        actor, created_at
                    from events
                    where subject = 'order' and type in ('order.received', 'order.confirmed', 'order.rejected',
                        'order.out_for_delivery', 'order.delivered', 'order.cancelled', 'order.restored', 'order.abandoned')
                    union all
                    select order_id, version, event, actor, created_at from order_events_before b
                    where not exists (
                        select 1 from events e
                        where e.subject = 'order' and e.subject_id = b.order_id and e.version = b.version);
                create trigger record_order_event instead of insert on order_events
                    for each row execute function record_order_event();
                return;
            exception when lock_not_available then
                if attempt = 60 then
                    raise;
                end if;
                perform pg_sleep(1);
            end;
        end loop;
    end if;
end $$;

-- Page by page, from where a failed run has stopped.
do $$
declare
    last_position bigint;
    last_order bigint;
    last_version bigint;
begin
    if to_regclass('order_events_before') is null then
        return;
    end if;
    loop
        select position, subject_id, version into last_position, last_order, last_version
        from events where position < 0 order by position desc limit 1;
        if not found then
            last_position := -4611686018427387904;
            last_order := -9223372036854775808;
            last_version := 0;
        end if;
        insert into events (position, subject, subject_id, version, type, actor, created_at) overriding system value
        select last_position + row_number() over (order by order_id, version), 'order', order_id, version,
            case event when 'OutForDelivery' then 'order.out_for_delivery' else 'order.' || lower(event) end,
            actor, created_at
        from (
            select * from order_events_before where (order_id, version) > (last_order, last_version)
            order by order_id, version limit 10000) page;
        exit when not found;
        commit;
    end loop;
end $$;

do $$
begin
    if to_regclass('order_events_before') is not null then
        for attempt in 1..60 loop
            begin
                create or replace view order_events as
                    select subject_id order_id, version,
                        case type when 'order.out_for_delivery' then 'OutForDelivery' else initcap(substr(type, 7)) end event,
                        actor, created_at
                    from events
                    where subject = 'order' and type in ('order.received', 'order.confirmed', 'order.rejected',
                        'order.out_for_delivery', 'order.delivered', 'order.cancelled', 'order.restored', 'order.abandoned');
                drop table order_events_before;
                return;
            exception when lock_not_available then
                if attempt = 60 then
                    raise;
                end if;
                perform pg_sleep(1);
            end;
        end loop;
    end if;
end $$;
