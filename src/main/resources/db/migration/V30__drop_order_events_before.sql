-- Drops the table of timelines, all of which are in events.
select pg_temp.retry_while_locked($$
    create or replace view order_events as
        select subject_id order_id, version,
            case type when 'order.out_for_delivery' then 'OutForDelivery' else initcap(substr(type, 7)) end event,
            actor, created_at
        from events
        where subject = 'order' and type in ('order.received', 'order.confirmed', 'order.rejected',
            'order.out_for_delivery', 'order.delivered', 'order.cancelled', 'order.restored', 'order.abandoned');
    drop table order_events_before
$$);
