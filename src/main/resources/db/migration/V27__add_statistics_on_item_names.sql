-- How many items have a name that begins in some way. PostgreSQL takes no statistics from a partial index on an expression, and would
-- guess so many that reading all items in the order of their ids may look cheaper than the index on names.
--
-- An automatic vacuum of the table holds the lock for long. So wait only briefly (lock_timeout), and retry.
do $$
begin
    for attempt in 1..60 loop
        begin
            create statistics if not exists inventory_items_lower_name_stats on lower(name) from inventory_items;
            analyze inventory_items;
            return;
        exception when lock_not_available then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;
