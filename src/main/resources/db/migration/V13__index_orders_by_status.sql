-- For GET /orders?status=. Partial, so that the hot path does not pay: an order that is placed and confirmed never enters it.
-- Pending and Received orders, which still await their deduction, are in orders_due_idx.
--
-- A concurrent build may wait for older transactions longer than lock_timeout. It blocks no reader and no writer meanwhile.
set lock_timeout = 0;
-- What is left of a build that failed.
drop index concurrently if exists orders_status_id_idx;
create index concurrently orders_status_id_idx on orders (status, id)
    where status in ('OutForDelivery', 'Delivered', 'Rejected', 'Cancelled');
reset lock_timeout;
