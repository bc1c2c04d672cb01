package dev.oms.order;

import dev.oms.http.ProblemException;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import jakarta.persistence.Version;
import java.time.Instant;
import java.util.List;

/**
 * An order. Its row is also the outbox: what is {@code due} is committed together with the status that makes it due.
 */
@Entity
@Table(name = "orders")
public class Order {
    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long id;

    private long userId;

    @Enumerated(EnumType.STRING)
    private OrderStatus status;

    @Enumerated(EnumType.STRING)
    private StockAdjustment due;

    private Instant enqueuedAt;

    @Version
    private long version;

    private Instant createdAt;
    private Instant updatedAt;

    protected Order() {}

    Order(long userId, Instant now) {
        this.userId = userId;
        this.status = OrderStatus.Pending;
        this.due = StockAdjustment.DEDUCTION;
        this.enqueuedAt = now;
        this.createdAt = now;
        this.updatedAt = now;
    }

    /**
     * Moves the order on. The status that it already has is no change.
     *
     * @return whether it is a change
     * @throws ProblemException 409 when the table of {@link OrderStatus} forbids it
     */
    boolean changeTo(OrderStatus next, Instant now) {
        if (next == status) {
            return false;
        }
        if (!status.byUpdate().contains(next)) {
            throw refuse("become " + next);
        }
        status = next;
        updatedAt = now;
        return true;
    }

    /**
     * Calls the order off. One that is cancelled already stays as it is.
     *
     * @return whether it is a change; whether stock has to be given back, {@link #isStockDue} tells
     * @throws ProblemException 409 when it is too late
     */
    boolean cancel(Instant now) {
        if (status == OrderStatus.Cancelled) {
            return false;
        }
        if (!status.isCancellable()) {
            throw refuse("be cancelled");
        }
        due = status.dueByCancelling().orElse(null);
        status = OrderStatus.Cancelled;
        updatedAt = now;
        if (isStockDue()) {
            enqueuedAt = now;
        }
        return true;
    }

    /**
     * Gives up what is due: a deduction by rejecting the order, a restoration by leaving the stock to whoever corrects
     * it.
     *
     * @return whether there was anything to give up
     */
    boolean abandon(Instant now) {
        if (!isStockDue()) {
            return false;
        }
        if (due == StockAdjustment.DEDUCTION) {
            status = OrderStatus.Rejected;
        }
        due = null;
        updatedAt = now;
        return true;
    }

    /** Whether stock is due. */
    boolean isStockDue() {
        return due != null;
    }

    private ProblemException refuse(String what) {
        List<String> allowed = status.allowed().stream().map(OrderStatus::name).toList();
        return ProblemException.conflict(
                "Order %d is %s and cannot %s; from here it can become: %s."
                        .formatted(id, status, what, allowed.isEmpty() ? "nothing else" : String.join(", ", allowed)),
                allowed);
    }

    long id() {
        return id;
    }

    OrderStatus status() {
        return status;
    }

    long version() {
        return version;
    }

    Instant updatedAt() {
        return updatedAt;
    }
}
