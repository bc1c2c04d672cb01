package dev.oms.webhook;

import dev.oms.event.Cursor;
import dev.oms.http.ProblemException;
import dev.oms.webhook.WebhookAttempt.Outcome;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** The attempts of the last days, and those that somebody asks for: a worker makes them within a few seconds. */
@ApplicationScoped
class WebhookAttempts {
    private static final String SELECT = """
            select a.id, a.position, e.type, e.subject, e.subject_id, a.attempt, a.attempted_at, a.succeeded, a.status,
                a.reason, a.ms, a.response, (select system_identifier from pg_control_system())
            from webhook_attempts a left join events e on e.position = a.position
            where a.endpoint_id = ? and\s""";

    private static final String EXISTS = "select id from webhook_endpoints where id = ?";

    /** Newest first. */
    private static final String LIST = SELECT + "a.id < ?%s order by a.id desc limit ?";

    private static final String GET = SELECT + "a.id = ?";

    /** One that waits behind an earlier event of its subject goes on waiting. */
    private static final String SEND = """
            insert into webhook_retries (endpoint_id, position, subject, subject_id, next_attempt_at)
            select ?, position, subject, subject_id, clock_timestamp()
            from (%s) event
            on conflict (endpoint_id, position) do update set next_attempt_at = clock_timestamp()
            where webhook_retries.next_attempt_at is not null""";

    private static final String SEND_EVENT = SEND.formatted("select * from events where position = ?");

    private static final String SEND_TEST =
            SEND.formatted("select ?::bigint as position, 'test' subject, 0 subject_id");

    /**
     * Ends a pause after too many failures, and lets the worker read the retries anew. Until when somebody had the
     * webhook stays known, so that it does not count as unattended meanwhile.
     */
    private static final String END_PAUSE = """
            update webhook_endpoints
            set probe_at = case when probe_at > clock_timestamp() then clock_timestamp() else probe_at end,
                lease = null,
                lease_until = case when lease_until > clock_timestamp() then clock_timestamp() else lease_until end
            where id = ?""";

    private final Webhooks webhooks;

    WebhookAttempts(Webhooks webhooks) {
        this.webhooks = webhooks;
    }

    /**
     * The attempts of a webhook, newest first.
     *
     * @param outcome null for both
     * @param after the last attempt of the previous page, or null
     * @throws ProblemException 404 when there is no such webhook
     */
    List<WebhookAttempt> list(long webhookId, Outcome outcome, Long after, int rows) {
        // The attempts of a deleted webhook stay stored for a while, but are not shown.
        if (webhooks.query(row -> row.getLong(1), EXISTS, webhookId).isEmpty()) {
            throw ProblemException.unknown("webhook", webhookId);
        }
        String filter = outcome == null ? "" : outcome == Outcome.failed ? " and not a.succeeded" : " and a.succeeded";
        return webhooks.query(
                WebhookAttempts::view, LIST.formatted(filter), webhookId, after == null ? Long.MAX_VALUE : after, rows);
    }

    /**
     * Sends the event of an attempt again.
     *
     * @return the attempt that is repeated
     * @throws ProblemException 404 when there is no such webhook or attempt, 409 when the webhook is disabled
     */
    @Transactional
    WebhookAttempt sendAgain(long webhookId, long id) {
        webhooks.requireEnabled(webhookId);
        WebhookAttempt attempt = webhooks.query(WebhookAttempts::view, GET, webhookId, id).stream()
                .findFirst()
                .orElseThrow(() -> ProblemException.unknown("attempt", id));
        send(
                webhookId,
                attempt.eventId() == null
                        ? Webhooks.TEST
                        : Cursor.parse(attempt.eventId()).position());
        return attempt;
    }

    /**
     * Sends a test message, once.
     *
     * @throws ProblemException 404 when there is no such webhook, 409 when it is disabled
     */
    @Transactional
    Webhook test(long webhookId) {
        Webhook webhook = webhooks.requireEnabled(webhookId);
        send(webhookId, Webhooks.TEST);
        return webhook;
    }

    private void send(long webhookId, long position) {
        // The webhook first, as the worker does.
        webhooks.update(END_PAUSE, webhookId);
        webhooks.update(position == Webhooks.TEST ? SEND_TEST : SEND_EVENT, webhookId, position);
    }

    private static WebhookAttempt view(ResultSet row) throws SQLException {
        long position = row.getLong(2);
        boolean isTest = position == Webhooks.TEST;
        return new WebhookAttempt(
                row.getLong(1),
                isTest ? null : new Cursor(row.getLong(13), position).toString(),
                isTest ? Message.TEST_TYPE : row.getString(3),
                row.getString(4),
                row.getObject(5, Long.class),
                row.getInt(6),
                Webhooks.instant(row, 7),
                row.getBoolean(8) ? Outcome.succeeded : Outcome.failed,
                row.getObject(9, Integer.class),
                row.getString(10),
                row.getInt(11),
                row.getString(12));
    }
}
