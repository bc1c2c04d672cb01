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
import java.util.function.Supplier;

/**
 * An order. Its row is also the outbox: {@code due} is committed together with the status change that makes a stock
 * adjustment due.
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
     * Changes the status. Does nothing when the order already has it.
     *
     * @return whether anything changed
     * @throws ProblemException 409 when {@link OrderStatus} does not allow the transition
     */
    boolean changeTo(OrderStatus next, Instant now) {
        if (next == status) {
            return false;
        }
        if (!status.byUpdate().contains(next)) {
            throw conflict("become " + next);
        }
        status = next;
        updatedAt = now;
        return true;
    }

    /**
     * Cancels the order. Does nothing when it is already cancelled. Afterwards {@link #isStockDue} says whether stock
     * must be restored.
     *
     * @param databaseClock PostgreSQL's clock, read when a restoration becomes due: the reconciler compares it with no
     *     other
     * @return whether anything changed
     * @throws ProblemException 409 when it is too late
     */
    boolean cancel(Instant now, Supplier<Instant> databaseClock) {
        if (status == OrderStatus.Cancelled) {
            return false;
        }
        if (!status.isCancellable()) {
            throw conflict("be cancelled");
        }
        StockAdjustment restoration = status.dueByCancelling().orElse(null);
        if (restoration != null) {
            // Before any change, which the query would write and count as a version of its own.
            enqueuedAt = databaseClock.get();
        }
        due = restoration;
        status = OrderStatus.Cancelled;
        updatedAt = now;
        return true;
    }

    /**
     * Gives up the due stock adjustment. An order that awaits its deduction is rejected; stock that awaits its
     * restoration must be corrected by hand.
     *
     * @return whether an adjustment was due
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

    /** Whether a stock adjustment is due. */
    boolean isStockDue() {
        return due != null;
    }

    private ProblemException conflict(String change) {
        List<String> allowed = status.allowed().stream().map(OrderStatus::name).toList();
        return ProblemException.conflict(
                "Order %d is %s and cannot %s; allowed from here: %s."
                        .formatted(id, status, change, allowed.isEmpty() ? "none" : String.join(", ", allowed)),
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
