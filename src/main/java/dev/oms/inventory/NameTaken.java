package dev.oms.inventory;

import dev.oms.http.DatabaseConstraints;
import dev.oms.http.ProblemException;

/** Recognizes the failure of a write that gives an item the name of another item on sale. */
final class NameTaken {
    private NameTaken() {}

    static RuntimeException orElse(RuntimeException e) {
        return DatabaseConstraints.violatedBy(e).equals("inventory_items_name_key")
                ? ProblemException.invalid("name", "is already taken")
                : e;
    }
}
