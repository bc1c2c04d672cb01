-- For GET /inventory_items?name=, which matches the beginning of a name. text_pattern_ops serves "like" in any collation.
-- The hot path does not pay: settling changes no name, so its updates stay heap-only.
--
-- A concurrent build may wait for older transactions longer than lock_timeout. It blocks no reader and no writer meanwhile.
set lock_timeout = 0;
-- What is left of a build that failed.
drop index concurrently if exists inventory_items_lower_name_idx;
create index concurrently inventory_items_lower_name_idx on inventory_items (lower(name) text_pattern_ops)
    where archived_at is null;
reset lock_timeout;
