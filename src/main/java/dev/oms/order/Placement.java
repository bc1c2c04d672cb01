package dev.oms.order;

import dev.oms.http.Actor;
import dev.oms.http.IdempotencyKey;
import dev.oms.http.Problem.FieldError;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** An order to be placed, for which the thread that created it waits. */
final class Placement extends GroupCommit.Member<Placement.Outcome> {
    private final long userId;
    private final Map<String, Long> quantities;
    private final String placedBy;
    private final IdempotencyKey key;

    /** What the statement said about an order that it did not refuse. */
    sealed interface Outcome {
        /** The order is committed. */
        record Placed(OrderView order) implements Outcome {}

        /** The key has placed an order before. Nothing was changed. */
        record KeyUsed() implements Outcome {}

        /**
         * The key has placed an order so long ago that it counts as unused, but it is still stored. Nothing was
         * changed.
         */
        record KeyExpired() implements Outcome {}

        /**
         * Its group was placed without it, or not at all: it needs what somebody has locked, or the data of one of the
         * group is at fault. It may be placed alone. Nothing was changed.
         */
        record Skipped() implements Outcome {}
    }

    /**
     * @param actor who places it
     * @param key the idempotency key, or null
     */
    Placement(long userId, Map<String, Long> quantities, Actor actor, IdempotencyKey key) {
        // Most are the API's, and the column is empty then.
        this(userId, quantities, actor.equals(Actor.API) ? null : actor.name(), key);
    }

    private Placement(long userId, Map<String, Long> quantities, String placedBy, IdempotencyKey key) {
        this.userId = userId;
        this.quantities = new TreeMap<>(quantities);
        this.placedBy = placedBy;
        this.key = key;
    }

    /** The same order, to be placed in another attempt. */
    Placement again() {
        return new Placement(userId, quantities, placedBy, key);
    }

    long userId() {
        return userId;
    }

    Map<String, Long> quantities() {
        return quantities;
    }

    /** Who placed it, or null for {@link Actor#API}. */
    String placedBy() {
        return placedBy;
    }

    /** The idempotency key, or null. */
    IdempotencyKey key() {
        return key;
    }

    /** Whether an item can have this name. Other names are left out of the query: PostgreSQL rejects some of them. */
    static boolean isPossibleName(String name) {
        return name.length() <= Texts.NAME_MAX && Texts.isStorable(name);
    }

    void place(long id, Instant at) {
        succeed(new Outcome.Placed(new OrderView(id, userId, OrderStatus.Pending, quantities, null, at, at, 0)));
    }

    /** Refuses the order because of the names that were not found; if all were found, the user is missing. */
    void refuse(Set<String> found) {
        List<FieldError> unknown = quantities.keySet().stream()
                .filter(name -> !found.contains(name))
                .map(name -> new FieldError("items." + Texts.shorten(name, 100), "is not an item on sale"))
                .toList();
        fail(unknown.isEmpty() ? ProblemException.unknown("user", userId) : ProblemException.invalid(unknown));
    }
}
