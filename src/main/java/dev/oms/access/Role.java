package dev.oms.access;

import static dev.oms.access.Scopes.EVENTS_READ;
import static dev.oms.access.Scopes.INVENTORY_READ;
import static dev.oms.access.Scopes.INVENTORY_WRITE;
import static dev.oms.access.Scopes.JOBS_READ;
import static dev.oms.access.Scopes.JOBS_WRITE;
import static dev.oms.access.Scopes.ORDERS_READ;
import static dev.oms.access.Scopes.ORDERS_WRITE;
import static dev.oms.access.Scopes.USERS_READ;
import static dev.oms.access.Scopes.USERS_WRITE;
import static dev.oms.access.Scopes.WEBHOOKS_WRITE;

import java.util.Set;

/** Bundles of scopes. A key is given one when it is created, and keeps those scopes. Lower case on the wire. */
enum Role {
    /** A shop: places orders for any user. */
    storefront(Set.of(ORDERS_READ, ORDERS_WRITE, INVENTORY_READ, USERS_READ, USERS_WRITE, EVENTS_READ)),

    /** Ships orders and counts stock. */
    warehouse(Set.of(ORDERS_READ, ORDERS_WRITE, INVENTORY_READ, INVENTORY_WRITE, EVENTS_READ)),

    /** A person at the console: everything but keys and new users. */
    operator(Set.of(
            ORDERS_READ,
            ORDERS_WRITE,
            INVENTORY_READ,
            INVENTORY_WRITE,
            USERS_READ,
            JOBS_READ,
            JOBS_WRITE,
            EVENTS_READ,
            WEBHOOKS_WRITE)),

    /** Everything. */
    admin(Scopes.ALL),

    /** A user's own orders and no others: the only role of a key that is bound to a user. */
    customer(Set.of(ORDERS_READ, ORDERS_WRITE, INVENTORY_READ, EVENTS_READ));

    private final Set<String> scopes;

    Role(Set<String> scopes) {
        this.scopes = scopes;
    }

    Set<String> scopes() {
        return scopes;
    }
}
