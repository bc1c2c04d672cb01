-- Who made a correction, and the document that it refers to. Movements of orders have neither: the order's events name the worker.
--
-- All others queue behind a lock request that waits. So wait only briefly (lock_timeout), and retry.
do $$
begin
    for attempt in 1..60 loop
        begin
            alter table stock_movements add column if not exists actor text;
            alter table stock_movements add column if not exists reference text;
            return;
        exception when lock_not_available then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;
