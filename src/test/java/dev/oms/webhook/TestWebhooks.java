package dev.oms.webhook;

import dev.oms.Ledger;
import dev.oms.event.Cursor;

/** Webhooks for tests, written into the database: their secrets cannot be read. */
public final class TestWebhooks {
    private TestWebhooks() {}

    /** Removes all: there can be no more than a hundred. */
    public static void deleteAll(Ledger ledger) {
        ledger.execute("delete from webhook_endpoints");
    }

    /** Adds a webhook that has got everything, and returns its id. */
    public static long add(Ledger ledger, String url) {
        return add(ledger, url, 1);
    }

    /** Adds as many as there can be. */
    public static void fill(Ledger ledger) {
        add(ledger, "https://shop.example/oms", Webhooks.MAX);
    }

    private static long add(Ledger ledger, String url, int count) {
        return Long.parseLong(ledger.texts("""
                insert into webhook_endpoints (url, description, types, secret, position, created_by, created_at,
                    updated_by, updated_at)
                select '%s', '', '{}', '', (select coalesce(max(position), 0) from events), 'api', now(), 'api', now()
                from generate_series(1, %d) returning id""".formatted(url, count)).getFirst());
    }

    /**
     * Adds an attempt to send the event at a position, with what the receiver answered if it failed; returns its id.
     */
    public static long attempt(Ledger ledger, long webhook, long position, boolean succeeded, String response) {
        return Long.parseLong(ledger.texts("""
                insert into webhook_attempts (endpoint_id, position, attempt, attempted_at, succeeded, status, reason, ms,
                    response)
                values (%1$d, %2$d, 1, clock_timestamp(), %3$b, case when %3$b then 204 else 500 end,
                    case when not %3$b then 'status 500' end, 7, case when not %3$b then '%4$s' end)
                returning id""".formatted(webhook, position, succeeded, response))
                .getFirst());
    }

    /** The id of the event at a position, as clients see it. */
    public static String eventId(Ledger ledger, long position) {
        long epoch = Long.parseLong(ledger.texts("select system_identifier from pg_control_system()")
                .getFirst());
        return new Cursor(epoch, position).toString();
    }

    /** The position of the last event, or 0. */
    public static long lastEvent(Ledger ledger) {
        return Long.parseLong(
                ledger.texts("select coalesce(max(position), 0) from events").getFirst());
    }
}
