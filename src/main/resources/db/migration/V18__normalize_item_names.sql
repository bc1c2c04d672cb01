-- Names of items on sale get the form that Texts.normalizeName gives to every name from now on, stored or looked up. A name of which
-- nothing would be left stays as it is.
--
-- Two items whose names become the same need somebody's decision: nothing is changed then, and the version before goes on.
create or replace function pg_temp.normalize_name(name text) returns text language sql immutable as $$
    select btrim(normalize(regexp_replace(regexp_replace(name,
        '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]',
        '', 'g'), '[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]', ' ', 'g'), nfc), ' ')
$$;

-- Item by item, so that none is locked for longer than its own update. Nobody else queues behind a wait for a row.
set lock_timeout = '60s';
do $$
declare
    collisions text;
    renamed record;
begin
    select string_agg(format('"%s" (%s)', normal, ids), ', ' order by ids) into collisions
    from (
        select pg_temp.normalize_name(name) normal, string_agg(id::text, ', ' order by id) ids
        from inventory_items where archived_at is null
        group by normal having count(*) > 1 and pg_temp.normalize_name(min(name)) <> ''
        order by min(id) limit 20) collision;
    if collisions is not null then
        raise exception 'the names of some items differ in nothing that can be seen, and would become the same: % (items by id, the first 20 names). Rename or remove all but one of each with the version before, then start this one again.', collisions;
    end if;
    for renamed in
        select id, name, pg_temp.normalize_name(name) normal from inventory_items
        where archived_at is null and pg_temp.normalize_name(name) not in (name, '')
    loop
        update inventory_items set name = renamed.normal, version = version + 1, updated_at = now()
        where id = renamed.id and name = renamed.name;
        commit;
    end loop;
end $$;
reset lock_timeout;
