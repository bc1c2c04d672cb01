-- An order's movements are written by the transaction that has locked the order, and orders stay. To ask for each row whether
-- there is its order cost a quarter of the settling; the audit asks instead (STRAY).
alter table stock_movements drop constraint stock_movements_order_id_fkey;
