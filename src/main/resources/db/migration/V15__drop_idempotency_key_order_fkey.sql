-- Every keyed order paid for the check, though its order is inserted by the same statement, and orders are never deleted.
--
-- All others queue behind a lock request that waits. So wait only briefly (lock_timeout), and retry.
do $$
begin
    for attempt in 1..60 loop
        begin
            alter table idempotency_keys drop constraint if exists idempotency_keys_order_id_fkey;
            return;
        exception when lock_not_available or deadlock_detected then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;
