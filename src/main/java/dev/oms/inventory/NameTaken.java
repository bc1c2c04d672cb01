package dev.oms.inventory;

import dev.oms.http.DatabaseConstraints;
import dev.oms.http.ProblemException;

/** Tells a name that another item on sale has from other trouble. */
final class NameTaken {
    private NameTaken() {}

    static RuntimeException orElse(RuntimeException e) {
        return DatabaseConstraints.violatedBy(e).equals("inventory_items_name_key")
                ? ProblemException.invalid("name", "is already taken")
                : e;
    }
}
