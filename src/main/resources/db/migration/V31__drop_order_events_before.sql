-- Drops the table of timelines, all of which are in events.
--
-- All others queue behind a lock request that waits. So wait only briefly (lock_timeout), and retry.
do $$
begin
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
end $$;
