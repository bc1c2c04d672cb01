package dev.oms.order;

import dev.oms.http.Problem.FieldError;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** An order that is to be placed, and what came of it. Between threads, {@link GroupCommit} sees to it. */
final class Placement extends GroupCommit.Member {
    private static final Pattern PRINTABLE = Pattern.compile(Texts.PRINTABLE);

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

    /** What no item can be called is not asked for: PostgreSQL could not even be told of some of it. */
    static boolean isPossibleName(String name) {
        return name.length() <= Texts.NAME_MAX && PRINTABLE.matcher(name).matches();
    }

    void succeed(long id, Instant at) {
        placed = new OrderView(id, userId, OrderStatus.Pending, quantities, at, at, 0);
    }

    /** Refuses it for the names that are not among the found ones; if there are none, it is the user who is missing. */
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

    /** The order, if it has been placed. */
    OrderView orThrow() {
        if (failure != null) {
            throw failure;
        }
        return placed;
    }
}
