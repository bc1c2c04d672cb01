-- What became of an order after it was placed, by whom and when. Append-only, written in the transaction that changes the order.
-- That it was placed is told by its own row.
create table order_events (
    -- No foreign key: an event is written by the transaction that changes its order, and orders stay.
    order_id   bigint not null,
    -- The version that this made of the order.
    version    bigint not null,
    event      text not null constraint order_events_event_check check (event in
        ('Received', 'Confirmed', 'Rejected', 'OutForDelivery', 'Delivered', 'Cancelled', 'Restored', 'Abandoned')),
    actor      text not null,
    created_at timestamptz not null,
    primary key (order_id, version)
);
