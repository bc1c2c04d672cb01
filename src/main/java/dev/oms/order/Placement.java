package dev.oms.order;

import dev.oms.http.Problem.FieldError;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** An order to be placed, and the outcome, which {@link GroupCommit} makes visible to the waiting thread. */
final class Placement extends GroupCommit.Member {
    private final long userId;
    private final Map<String, Long> quantities;
    private OrderView placed;
    private RuntimeException failure;

    Placement(long userId, Map<String, Long> quantities) {
        this.userId = userId;
        this.quantities = new TreeMap<>(quantities);
    }

    long userId() {
        return userId;
    }

    Map<String, Long> quantities() {
        return quantities;
    }

    /** Whether an item can have this name. Other names are left out of the query: PostgreSQL rejects some of them. */
    static boolean isPossibleName(String name) {
        return name.length() <= Texts.NAME_MAX && Texts.isStorable(name);
    }

    void succeed(long id, Instant at) {
        placed = new OrderView(id, userId, OrderStatus.Pending, quantities, at, at, 0);
    }

    /** Refuses the order because of the names that were not found; if all were found, the user is missing. */
    void refuse(Set<String> found) {
        List<FieldError> unknown = quantities.keySet().stream()
                .filter(name -> !found.contains(name))
                .map(name -> new FieldError("items." + Texts.shorten(name, 100), "is not an item on sale"))
                .toList();
        fail(unknown.isEmpty() ? ProblemException.unknown("user", userId) : ProblemException.invalid(unknown));
    }

    @Override
    void fail(RuntimeException e) {
        failure = e;
    }

    /** Returns the placed order, or throws the reason why it was not placed. */
    OrderView orThrow() {
        if (failure != null) {
            throw failure;
        }
        return placed;
    }
}
