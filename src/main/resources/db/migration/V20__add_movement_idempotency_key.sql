-- The Idempotency-Key of an adjustment. Kept as long as the movement: it never moves stock twice.
--
-- All others queue behind a lock request that waits. So wait only briefly (lock_timeout), and retry.
do $$
begin
    for attempt in 1..60 loop
        begin
            alter table stock_movements add column if not exists idempotency_key text;
            return;
        exception when lock_not_available then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;
