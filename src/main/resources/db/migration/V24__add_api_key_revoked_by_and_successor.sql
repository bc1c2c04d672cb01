-- Who revoked a key, and which key replaced it when it was rolled. Null for older keys.
--
-- All others queue behind a lock request that waits. So wait only briefly (lock_timeout), and retry.
do $$
begin
    for attempt in 1..60 loop
        begin
            alter table api_keys add column if not exists revoked_by text;
            alter table api_keys add column if not exists successor_id bigint;
            return;
        exception when lock_not_available then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;
