-- The only line against two movements under one key. Partial, so that the movements of orders do not pay.
--
-- A concurrent build may wait for older transactions longer than lock_timeout. It blocks no reader and no writer meanwhile.
set lock_timeout = 0;
-- What is left of a build that failed.
drop index concurrently if exists stock_movements_idempotency_key_idx;
create unique index concurrently stock_movements_idempotency_key_idx on stock_movements (inventory_item_id, idempotency_key)
    where idempotency_key is not null;
reset lock_timeout;
