-- The items that were lacking when the order was rejected, by id. Null for every other order, and for those rejected before.
--
-- Everybody queues behind a lock that is waited for. So it is waited for briefly (lock_timeout), and asked for again.
do $$
begin
    for attempt in 1..60 loop
        begin
            alter table orders add column if not exists short_items bigint[];
            return;
        exception when lock_not_available then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;
