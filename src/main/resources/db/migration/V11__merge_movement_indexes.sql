-- One index for the key and for the pages of an item's ledger, where there were two: every movement pays for each.
alter table stock_movements drop constraint stock_movements_pkey, add primary key (inventory_item_id, id);
drop index stock_movements_inventory_item_id_id_idx;
