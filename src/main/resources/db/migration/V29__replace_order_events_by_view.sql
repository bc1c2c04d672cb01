-- Lets processes of the version before go on writing and reading timelines of orders, which are in events from here on, by a view
-- that has the name of their table. A later release drops the view and its function.
create function record_order_event() returns trigger language plpgsql as $$
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
end $$;
