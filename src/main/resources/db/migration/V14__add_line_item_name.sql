-- The name that the item was ordered under. A line from before this column has none: it shows the item's current name, and
-- renaming the item fills it in.
--
-- Everybody queues behind a lock that is waited for. So it is waited for briefly (lock_timeout), and asked for again.
do $$
begin
    for attempt in 1..60 loop
        begin
            alter table order_lines add column if not exists item_name text;
            return;
        exception when lock_not_available then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;

-- Finds the lines that a rename has to fill in. Empty, once the lines of the releases before have been.
set lock_timeout = 0;
drop index concurrently if exists order_lines_unnamed_idx;
create index concurrently order_lines_unnamed_idx on order_lines (inventory_item_id, order_id) where item_name is null;
reset lock_timeout;
