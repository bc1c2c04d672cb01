create table order_lines (
    order_id          bigint not null constraint order_lines_order_id_fkey references orders,
    inventory_item_id bigint not null constraint order_lines_inventory_item_id_fkey references inventory_items,
    quantity          bigint not null constraint order_lines_quantity_check check (quantity > 0),
    primary key (order_id, inventory_item_id)
);

-- Asked when an item is deleted: does an order refer to it?
create index order_lines_inventory_item_id_idx on order_lines (inventory_item_id);
