package dev.oms.access;

import java.util.Set;

/** The units of permission. Every resource method names the one it needs, or nobody may call it. */
public final class Scopes {
    public static final String ORDERS_READ = "orders:read";
    public static final String ORDERS_WRITE = "orders:write";
    public static final String INVENTORY_READ = "inventory:read";
    public static final String INVENTORY_WRITE = "inventory:write";
    public static final String USERS_READ = "users:read";
    public static final String USERS_WRITE = "users:write";
    public static final String JOBS_READ = "jobs:read";
    public static final String JOBS_WRITE = "jobs:write";
    public static final String EVENTS_READ = "events:read";
    public static final String WEBHOOKS_WRITE = "webhooks:write";
    public static final String KEYS_WRITE = "keys:write";

    /**
     * No scope of a key: what a caller may do besides that is not bound to one user. Needed by what shows the data of
     * several users and cannot be narrowed down to one.
     */
    public static final String ALL_USERS = "all-users";

    static final Set<String> ALL = Set.of(
            ORDERS_READ,
            ORDERS_WRITE,
            INVENTORY_READ,
            INVENTORY_WRITE,
            USERS_READ,
            USERS_WRITE,
            JOBS_READ,
            JOBS_WRITE,
            EVENTS_READ,
            WEBHOOKS_WRITE,
            KEYS_WRITE);

    private Scopes() {}
}
