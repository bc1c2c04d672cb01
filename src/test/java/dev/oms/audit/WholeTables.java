package dev.oms.audit;

import dev.oms.Ledger;
import java.util.List;

/** The checks of the audit as statements on whole tables: slow, and simple enough to be believed. */
final class WholeTables {
    private static final String DISCREPANCIES = """
            select format('QUANTITY %s null has %s, but its ledger adds up to %s', i.id, i.quantity, coalesce(m.total, 0))
            from inventory_items i left join (
                select inventory_item_id, sum(delta) total from stock_movements group by inventory_item_id) m
                on m.inventory_item_id = i.id
            where i.quantity <> coalesce(m.total, 0)
            union all
            select format('QUANTITY_AFTER %s %s movement %s has quantity_after %s, but the ledger adds up to %s',
                inventory_item_id, coalesce(order_id::text, 'null'), id, quantity_after, total)
            from (select *, sum(delta) over (partition by inventory_item_id order by id) total from stock_movements) m
            where quantity_after <> total
            union all
            select format('DUE null %s is %s with %s due', id, status, coalesce(due, 'nothing')) from orders
            where case status
                when 'Pending' then due is distinct from 'DEDUCTION'
                when 'Received' then due is distinct from 'DEDUCTION'
                when 'Cancelled' then due = 'DEDUCTION'
                else due is not null end
            union all
            select format('ORDER %s %s is %s, but its line of %s moved by %s (movements: %s)', l.inventory_item_id, o.id,
                o.status, l.quantity, coalesce(sum(m.delta), 0), count(m.id))
            from orders o join order_lines l on l.order_id = o.id
            left join stock_movements m on m.order_id = o.id and m.inventory_item_id = l.inventory_item_id
            group by o.id, l.order_id, l.inventory_item_id
            having case
                when o.status in ('Pending', 'Received', 'Rejected') then count(m.id) <> 0
                when o.status in ('Confirmed', 'OutForDelivery', 'Delivered') or o.due = 'RESTORATION'
                    then count(m.id) <> 1 or sum(m.delta) <> -l.quantity
                when count(m.id) = 1 and exists (
                    select from events e
                    where e.subject = 'order' and e.subject_id = o.id and e.type = 'order.abandoned'
                        and e.version = o.version)
                    then sum(m.delta) <> -l.quantity
                else count(m.id) not in (0, 2) or sum(m.delta) <> 0 end
            union all
            select format('STRAY %s %s movement %s belongs to no line of the order', m.inventory_item_id, m.order_id, m.id)
            from stock_movements m left join order_lines l
                on l.order_id = m.order_id and l.inventory_item_id = m.inventory_item_id
            where m.order_id is not null and l.order_id is null""";

    private WholeTables() {}

    /** All discrepancies, each as its kind, item, order and detail. */
    static List<String> discrepancies(Ledger ledger) {
        return ledger.texts(DISCREPANCIES);
    }
}
