-- Who placed the order. Null for "api", and for orders placed before.
--
-- All others queue behind a lock request that waits. So wait only briefly (lock_timeout), and retry.
do $$
begin
    for attempt in 1..60 loop
        begin
            alter table orders add column if not exists placed_by text;
            return;
        exception when lock_not_available then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;
