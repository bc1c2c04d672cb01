-- No two users have e-mail addresses that differ only in case, or in how their accents are encoded.
--
-- Users who do already are kept as they are: they have orders, and only a person can tell who is who. All but the first of each such
-- address are left out of the index, so the address counts as taken all the same. They are reported, and email_shared finds them.
--
-- All others queue behind a lock request that waits. So wait only briefly (lock_timeout), and retry.
do $$
begin
    for attempt in 1..60 loop
        begin
            alter table users add column if not exists email_shared boolean not null default false;
            return;
        exception when lock_not_available then
            if attempt = 60 then
                raise;
            end if;
            perform pg_sleep(1);
        end;
    end loop;
end $$;

-- Only the rows that it changes are locked, and nobody else queues behind a wait for a row. What the build waits for blocks no reader and
-- no writer. If somebody adds another such user in between, the build fails, and the next start repeats all of this.
set lock_timeout = '60s';
do $$
declare
    addresses bigint;
    examples text;
begin
    update users u set email_shared = true where not email_shared and exists (
        select 1 from users first
        where lower(normalize(first.email, nfc)) = lower(normalize(u.email, nfc)) and first.id < u.id);
    select count(*), string_agg(format('%s (users %s)', address, ids), ', ' order by first_id) filter (where n <= 20)
        into addresses, examples
    from (
        select lower(normalize(email, nfc)) address, string_agg(id::text, ', ' order by id) ids, min(id) first_id,
            row_number() over (order by min(id)) n
        from users group by 1 having count(*) > 1) shared;
    if addresses > 0 then
        raise warning '% e-mail address(es) belong to several users, who were kept as they are: %. Nobody else can take these addresses. "select id, email from users where email_shared" lists all but the first user of each.',
            addresses, examples || case when addresses > 20 then ' …' else '' end;
    end if;
end $$;
set lock_timeout = 0;
-- What is left of a build that failed.
drop index concurrently if exists users_email_in_any_case_key;
create unique index concurrently users_email_in_any_case_key on users (lower(normalize(email, nfc))) where not email_shared;
-- Nor may a new user take such an address when the first one has changed theirs.
drop index concurrently if exists users_shared_email_idx;
create index concurrently users_shared_email_idx on users (lower(normalize(email, nfc))) where email_shared;
reset lock_timeout;
