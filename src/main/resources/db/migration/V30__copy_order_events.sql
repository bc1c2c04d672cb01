-- Copies the timelines of orders into events.
--
-- They get positions below 0, order by order. The feed begins above: it does not tell half of what happened long ago, without the
-- placements. And an order's old events are before its new ones, although these are not waited for.
--
-- Page by page, from where a failed run has stopped.
do $$
declare
    last_position bigint;
    last_order bigint;
    last_version bigint;
begin
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
