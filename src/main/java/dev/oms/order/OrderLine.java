package dev.oms.order;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.io.Serializable;

/** How many of one item an order takes. */
@Entity
@IdClass(OrderLine.Key.class)
@Table(name = "order_lines")
public class OrderLine {
    @Id
    private long orderId;

    @Id
    private long inventoryItemId;

    private long quantity;

    protected OrderLine() {}

    /** An order has one line an item. */
    public record Key(long orderId, long inventoryItemId) implements Serializable {}
}
