package dev.oms.webhook;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThanOrEqualTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.event.Cursor;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import io.restassured.response.ValidatableResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@WithTestResource(OmsServers.class)
class WebhookResourceTest {
    private static final String URL = "https://shop.example/oms";
    private static final String NEITHER_SENDER_NOR_PAUSE = "lease is null and lease_until is null and probe_at is null";

    /** No order has such an id. */
    private static final AtomicLong NEXT_SUBJECT = new AtomicLong(System.nanoTime());

    private final Ledger ledger = OmsServers.ledger();

    @BeforeEach
    void deleteAll() {
        TestWebhooks.deleteAll(ledger);
    }

    private static Response create(Map<String, ?> body) {
        return given().contentType("application/json").body(body).post("/webhooks");
    }

    private static long created() {
        return create(Map.of("url", URL))
                .then()
                .statusCode(201)
                .extract()
                .jsonPath()
                .getLong("id");
    }

    private static Response post(long id, String action, String body) {
        return given().contentType("application/json").body(body).post("/webhooks/{id}/{action}", id, action);
    }

    private static ValidatableResponse read(long id) {
        return given().get("/webhooks/{id}", id).then().statusCode(200);
    }

    /** Stores an event of another order, and returns its position. */
    private long event() {
        return event(NEXT_SUBJECT.incrementAndGet(), 1);
    }

    private long event(long order, long version) {
        return Long.parseLong(ledger.texts("""
                insert into events (subject, subject_id, version, type, actor, created_at)
                values ('order', %d, %d, 'order.confirmed', 'tests', clock_timestamp() - interval '1 minute')
                returning position""".formatted(order, version)).getFirst());
    }

    private long attempt(long webhook, long position, boolean succeeded) {
        return TestWebhooks.attempt(ledger, webhook, position, succeeded, "oops");
    }

    /** As a worker leaves it that has sent everything up to a position. */
    private void sentUpTo(long webhook, long position) {
        ledger.execute("""
                update webhook_endpoints set position = %d, lease = gen_random_uuid(),
                    lease_until = clock_timestamp() + interval '10 seconds'
                where id = %d""".formatted(position, webhook));
    }

    private String stored(long webhook, String column) {
        return ledger.texts("select %s from webhook_endpoints where id = %d".formatted(column, webhook))
                .getFirst();
    }

    private List<String> retries(long webhook) {
        return ledger.texts("""
                select position || ' ' || subject || ' ' || coalesce((next_attempt_at <= clock_timestamp())::text, 'waits')
                from webhook_retries where endpoint_id = %d order by position""".formatted(webhook));
    }

    // --- Creating, reading, changing, deleting ---

    @Test
    void showsTheSecretOnce() {
        ValidatableResponse created = given().contentType("application/json")
                .header("OMS-Actor", "Anna")
                .body(Map.of(
                        "url", "HTTPS://Shop.Example", "types", List.of("order.rejected"), "description", "the shop"))
                .post("/webhooks")
                .then()
                .statusCode(201);

        long id = created.extract().jsonPath().getLong("id");
        String secret = created.extract().path("secret");
        assertThat(secret).matches("whsec_[A-Za-z0-9+/]{43}=");
        created.header("Location", "/webhooks/" + id).header("Cache-Control", "no-store");
        read(id).body("url", equalTo("https://shop.example/"))
                .body("types", contains("order.rejected"))
                .body("description", equalTo("the shop"))
                .body("status", equalTo("enabled"))
                .body("lag_events", equalTo(0))
                .body("lag_seconds", equalTo(0))
                .body("last_day.success_rate", nullValue())
                .body("last_failure", nullValue())
                .body("created_by", equalTo("Anna"))
                .body("updated_by", equalTo("Anna"))
                .body("secret", nullValue());
        assertThat(stored(id, "position('%s'::bytea in secret)".formatted(secret)))
                .isEqualTo("0");
    }

    @Test
    void getsTheEventsFromNowOn() {
        event();
        await().until(() -> {
            deleteAll();
            return read(created()).extract().jsonPath().getLong("lag_events") == 0;
        });
        long id =
                Long.parseLong(ledger.texts("select id from webhook_endpoints").getFirst());

        event();

        read(id).body("lag_events", greaterThanOrEqualTo(1)).body("lag_seconds", greaterThanOrEqualTo(60));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {}                                                          | url         | must not be null
            {"url":null}                                                | url         | must not be null
            {"url":"shop"}                                              | url         | must be a URL that begins with https:// or http://
            {"url":"https://sh\u00adop.example/"}                      | url         | must not contain invisible or control characters
            {"url":"https://10.0.0.1/"}                                 | url         | must have a public address, or one that OMS_WEBHOOKS_ALLOW names
            {"url":"https://[fd00::1]:8443/"}                           | url         | must have a public address, or one that OMS_WEBHOOKS_ALLOW names
            {"url":"http://8.8.8.8/"}                                   | url         | must begin with https://, unless OMS_WEBHOOKS_ALLOW names its address
            {"url":"https://u:p@shop.example/"}                         | url         | must not contain a user or a password
            {"url":"https://shop.example/","types":["order.lost"]}      | types       | must be among order.placed
            {"url":"https://shop.example/","description":" \\t"}        | description | must not be blank
            {"url":"https://shop.example/","secret":"whsec_mine"}       | secret      | is not a known field
            """)
    void refuses(String body, String field, String message) {
        given().contentType("application/json")
                .body(body)
                .post("/webhooks")
                .then()
                .statusCode(422)
                .body("errors", hasSize(1))
                .body("errors[0].field", equalTo(field))
                .body("errors[0].message", containsString(message));
    }

    @Test
    void refusesAUrlThatIsTooLong() {
        create(Map.of("url", URL + "/".repeat(2_000)))
                .then()
                .statusCode(422)
                .body("errors.message", contains("must not be longer than 2000 characters"));
    }

    @Test
    void refusesMoreThanAHundred() {
        TestWebhooks.fill(ledger);

        create(Map.of("url", URL)).then().statusCode(409).body("detail", containsString("100 webhooks"));
    }

    @Test
    void listsTheNewestFirst() {
        long first = created();
        long second = created();

        ValidatableResponse page =
                given().queryParam("limit", 1).get("/webhooks").then().statusCode(200);

        page.body("id", contains((int) second)).header("Link", containsString("after=" + second));
        given().queryParam("after", second).get("/webhooks").then().body("id", contains((int) first));
    }

    @Test
    void changesWhatIsGiven() {
        long id = create(Map.of("url", URL, "types", List.of("order.placed"), "description", "the shop"))
                .jsonPath()
                .getLong("id");
        sentUpTo(id, 0);

        given().contentType("application/json")
                .header("OMS-Actor", "Ben")
                .body(Map.of("url", "https://other.example/x?y=1", "types", List.of()))
                .patch("/webhooks/{id}", id)
                .then()
                .statusCode(200)
                .body("url", equalTo("https://other.example/x?y=1"))
                .body("types", empty())
                .body("description", equalTo("the shop"))
                .body("created_by", equalTo("api"))
                .body("updated_by", equalTo("Ben"));

        assertThat(stored(id, NEITHER_SENDER_NOR_PAUSE)).isEqualTo("t");
        given().contentType("application/json")
                .body(Map.of("description", ""))
                .patch("/webhooks/{id}", id)
                .then()
                .statusCode(200)
                .body("description", equalTo(""));
        given().contentType("application/json")
                .body("{}")
                .patch("/webhooks/{id}", id)
                .then()
                .statusCode(422);
    }

    @Test
    void anotherUrlIsTriedAtOnce() {
        long id = created();
        ledger.execute("""
                update webhook_endpoints set failures = 12, failing_since = now() - interval '1 day',
                    probe_at = now() + interval '1 hour'
                where id = %d""".formatted(id));

        change(id, Map.of("url", URL, "description", "the same"))
                .body("failing_since", notNullValue())
                .body("paused_until", notNullValue());
        change(id, Map.of("url", "https://other.example/oms"))
                .body("failing_since", nullValue())
                .body("paused_until", nullValue());

        assertThat(stored(id, "failures")).isEqualTo("0");
        assertThat(stored(id, NEITHER_SENDER_NOR_PAUSE)).isEqualTo("t");
    }

    private static ValidatableResponse change(long id, Map<String, ?> body) {
        return given().contentType("application/json")
                .body(body)
                .patch("/webhooks/{id}", id)
                .then()
                .statusCode(200);
    }

    @Test
    void deletesWithWhatWaits() {
        long id = created();
        post(id, "test", "{}").then().statusCode(202);
        attempt(id, event(), false);

        given().delete("/webhooks/{id}", id).then().statusCode(204);

        assertThat(retries(id)).isEmpty();
        given().get("/webhooks/{id}", id)
                .then()
                .statusCode(404)
                .body("detail", equalTo("There is no webhook " + id + "."));
        given().delete("/webhooks/{id}", id).then().statusCode(404);
        given().get("/webhooks/{id}/attempts", id).then().statusCode(404);
    }

    // --- Disabling, enabling, rotating ---

    @Test
    void keepsWhoDisabledIt() {
        long id = created();
        sentUpTo(id, 0);

        given().header("OMS-Actor", "Anna")
                .post("/webhooks/{id}/disable", id)
                .then()
                .statusCode(200);

        assertThat(stored(id, NEITHER_SENDER_NOR_PAUSE)).isEqualTo("t");
        String since = given().header("OMS-Actor", "Ben")
                .post("/webhooks/{id}/disable", id)
                .then()
                .statusCode(200)
                .body("status", equalTo("disabled"))
                .body("disabled_reason", equalTo("operator"))
                .body("disabled_by", equalTo("Anna"))
                .body("updated_by", equalTo("Anna"))
                .extract()
                .path("disabled_at");
        assertThat(since).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gone", "failing"})
    void takesOverWhatAWorkerHasDisabled(String reason) {
        long id = created();
        ledger.execute("""
                update webhook_endpoints set disabled_at = '2026-01-01T00:00:00Z', disabled_reason = '%s' where id = %d""".formatted(reason, id));

        given().header("OMS-Actor", "Anna")
                .post("/webhooks/{id}/disable", id)
                .then()
                .statusCode(200)
                .body("disabled_reason", equalTo("operator"))
                .body("disabled_by", equalTo("Anna"))
                .body("disabled_at", equalTo("2026-01-01T00:00:00Z"));
    }

    @Test
    void goesOnWhereItWasLeft() {
        long id = created();
        ledger.execute("""
                update webhook_endpoints set position = 5, failures = 9, failing_since = now() - interval '5 days',
                    probe_at = now() + interval '1 hour', disabled_at = now(), disabled_reason = 'failing'
                where id = %d""".formatted(id));
        read(id).body("status", equalTo("disabled"))
                .body("disabled_reason", equalTo("failing"))
                .body("failing_since", notNullValue())
                .body("paused_until", notNullValue());

        post(id, "enable", "{}")
                .then()
                .statusCode(200)
                .body("status", equalTo("enabled"))
                .body("disabled_at", nullValue())
                .body("disabled_reason", nullValue())
                .body("failing_since", nullValue())
                .body("paused_until", nullValue());

        assertThat(stored(id, "position || ' ' || failures")).isEqualTo("5 0");
        assertThat(stored(id, NEITHER_SENDER_NOR_PAUSE)).isEqualTo("t");
    }

    @Test
    void leavesOutWhatHappenedMeanwhile() {
        long id = created();
        long position = event();
        post(id, "disable", "{}").then().statusCode(200);
        ledger.execute(
                "insert into webhook_retries (endpoint_id, position, subject, subject_id) values (%d, %d, 'order', 1)"
                        .formatted(id, position));

        // The end of the feed does not pass an event that somebody is writing.
        await().untilAsserted(() -> {
            post(id, "enable", "{\"from_now\":true}").then().statusCode(200);
            assertThat(Long.parseLong(stored(id, "position"))).isGreaterThanOrEqualTo(position);
        });

        assertThat(retries(id)).isEmpty();
    }

    @Test
    void bothSecretsSignForADay() {
        ValidatableResponse created = create(Map.of("url", URL)).then().statusCode(201);
        long id = created.extract().jsonPath().getLong("id");
        String before = stored(id, "secret");
        sentUpTo(id, 0);

        ValidatableResponse rotated = post(id, "rotate_secret", "{}").then().statusCode(200);

        rotated.header("Cache-Control", "no-store")
                .body("secret", not(equalTo(created.extract().path("secret"))))
                .body("previous_secret_until", notNullValue());
        assertThat(stored(id, "previous_secret")).isEqualTo(before);
        assertThat(stored(id, "secret")).isNotEqualTo(before);
        assertThat(stored(
                        id,
                        "previous_secret_until between now() + interval '23 hours' and now() + interval '24 hours'"))
                .isEqualTo("t");
        assertThat(stored(id, NEITHER_SENDER_NOR_PAUSE)).isEqualTo("t");
        ledger.execute("update webhook_endpoints set previous_secret_until = now() where id = " + id);
        read(id).body("previous_secret_until", nullValue()).body("secret", nullValue());
    }

    /** The response with the first of the new secrets may be lost. */
    @Test
    void aSecondRotationKeepsTheSecretThatTheReceiverHas() {
        long id = created();
        String ofTheReceiver = stored(id, "secret");
        post(id, "rotate_secret", "{}").then().statusCode(200);
        ledger.execute("""
                update webhook_endpoints set previous_secret_until = previous_secret_until - interval '23 hours'
                where id = %d""".formatted(id));

        post(id, "rotate_secret", "{}").then().statusCode(200);

        assertThat(stored(id, "previous_secret")).isEqualTo(ofTheReceiver);
        assertThat(stored(id, "previous_secret_until > now() + interval '23 hours'"))
                .isEqualTo("t");
        String third = stored(id, "secret");
        ledger.execute("update webhook_endpoints set previous_secret_until = now() where id = " + id);
        post(id, "rotate_secret", "{}").then().statusCode(200);
        assertThat(stored(id, "previous_secret")).isEqualTo(third);
    }

    // --- Attempts ---

    @Test
    void tellsHowItGoes() {
        long id = created();
        long waiting = event();
        sentUpTo(id, waiting);
        ledger.execute(
                "insert into webhook_retries (endpoint_id, position, subject, subject_id) values (%d, %d, 'order', 1)"
                        .formatted(id, waiting));
        ledger.execute("""
                insert into webhook_counts values (%1$d, date_trunc('hour', now()), 7, 1),
                    (%1$d, date_trunc('hour', now() - interval '1 hour'), 2, 0),
                    (%1$d, now() - interval '25 hours', 0, 100)""".formatted(id));
        attempt(id, waiting, false);
        attempt(id, waiting, true);

        read(id).body("last_day.succeeded", equalTo(9))
                .body("last_day.failed", equalTo(1))
                .body("last_day.success_rate", equalTo(0.9f))
                .body("last_failure.status", equalTo(500))
                .body("last_failure.reason", equalTo("status 500"))
                .body("last_failure.at", notNullValue())
                .body("lag_events", greaterThanOrEqualTo(1))
                .body("lag_seconds", greaterThanOrEqualTo(60));
    }

    @Test
    void isBehindByTheEventsOfItsTypes() {
        ledger.awaitSettled();
        long id = created();
        long before = event();
        long last = 0;
        for (int i = 0; i < 3; i++) {
            last = event();
        }
        ledger.execute("update events set type = 'order.rejected' where position = " + last);
        sentUpTo(id, before);
        read(id).body("lag_events", equalTo(3));

        ledger.execute("update webhook_endpoints set types = '{order.rejected,item.added}' where id = " + id);
        read(id).body("lag_events", equalTo(1)).body("lag_seconds", greaterThanOrEqualTo(60));
        ledger.execute("update webhook_endpoints set types = '{item.added}' where id = " + id);
        read(id).body("lag_events", equalTo(0)).body("lag_seconds", equalTo(0));
    }

    /** Counting them all would take the longer the more there are. */
    @Test
    void isBehindByAllEventsBeyondThoseThatAreLookedThrough() {
        ledger.awaitSettled();
        long id = created();
        long before = event();
        ledger.execute("update webhook_endpoints set types = '{order.rejected}' where id = " + id);
        ledger.execute("""
                insert into events (subject, subject_id, version, type, created_at)
                select 'order', %d, i, case when i in (5, 7, 10001) then 'order.rejected' else 'order.placed' end,
                    clock_timestamp() - (12000 - i) * interval '1 minute'
                from generate_series(1, 10020) i order by i""".formatted(NEXT_SUBJECT.incrementAndGet()));
        sentUpTo(id, before);

        read(id).body("lag_events", equalTo(2 + 20)).body("lag_seconds", greaterThanOrEqualTo(11_995 * 60));

        ledger.execute("update webhook_endpoints set types = '{item.added}' where id = " + id);
        read(id).body("lag_events", equalTo(20))
                .body("lag_seconds", allOf(greaterThanOrEqualTo(2_000 * 60), lessThan(11_000 * 60)));
    }

    @Test
    void listsAttempts() {
        long id = created();
        long position = event();
        attempt(created(), position, true);
        int test = (int) attempt(id, 0, true);
        int failed = (int) attempt(id, position, false);
        int succeeded = (int) attempt(id, position, true);

        ValidatableResponse all =
                given().get("/webhooks/{id}/attempts", id).then().statusCode(200);

        all.body("id", contains(succeeded, failed, test))
                .body("type", contains("order.confirmed", "order.confirmed", "webhook.test"))
                .body("outcome", contains("succeeded", "failed", "succeeded"))
                .body("[1].status", equalTo(500))
                .body("[1].reason", equalTo("status 500"))
                .body("[1].response", equalTo("oops"))
                .body("[1].event_id", equalTo(TestWebhooks.eventId(ledger, position)))
                .body("[1].subject", equalTo("order"))
                .body("[1].duration_ms", equalTo(7))
                .body("[2].event_id", nullValue())
                .body("[2].subject", nullValue());
        given().queryParam("outcome", "failed")
                .get("/webhooks/{id}/attempts", id)
                .then()
                .body("id", contains(failed));
        given().queryParam("outcome", "succeeded")
                .queryParam("limit", 1)
                .get("/webhooks/{id}/attempts", id)
                .then()
                .body("id", contains(succeeded))
                .header("Link", containsString("outcome=succeeded"));
        given().queryParam("outcome", "succeeded")
                .queryParam("after", succeeded)
                .get("/webhooks/{id}/attempts", id)
                .then()
                .body("id", contains(test));
    }

    @Test
    void sendsAnEventAgain() {
        long id = created();
        long position = event();
        long attempt = attempt(id, position, true);
        sentUpTo(id, position);
        ledger.execute("update webhook_endpoints set probe_at = now() + interval '1 hour' where id = " + id);

        given().post("/webhooks/{id}/attempts/{attempt}/retry", id, attempt)
                .then()
                .statusCode(202)
                .body("id", equalTo((int) attempt));

        assertThat(retries(id)).containsExactly(position + " order true");
        assertThat(stored(id, "probe_at <= clock_timestamp() and lease is null"))
                .isEqualTo("t");
    }

    /** A time that is over means one event at a time, and no time none of this: neither is a pause. */
    @ParameterizedTest
    @CsvSource({"now() - interval '1 hour'", "null"})
    void sendingAgainChangesNothingButAPause(String probeAt) {
        long id = created();
        long attempt = attempt(id, event(), true);
        ledger.execute("update webhook_endpoints set probe_at = %s where id = %d".formatted(probeAt, id));
        String before = stored(id, "probe_at");

        given().post("/webhooks/{id}/attempts/{attempt}/retry", id, attempt)
                .then()
                .statusCode(202);
        post(id, "test", "{}").then().statusCode(202);

        assertThat(stored(id, "probe_at")).isEqualTo(before);
    }

    @Test
    void sendsNothingAgainBeforeWhatItWaitsFor() {
        long id = created();
        long order = NEXT_SUBJECT.incrementAndGet();
        long first = event(order, 1);
        long second = event(order, 2);
        long attempt = attempt(id, second, false);
        ledger.execute("""
                insert into webhook_retries (endpoint_id, position, subject, subject_id, next_attempt_at)
                values (%1$d, %2$d, 'order', %4$d, now() + interval '1 hour'), (%1$d, %3$d, 'order', %4$d, null)""".formatted(id, first, second, order));

        given().post("/webhooks/{id}/attempts/{attempt}/retry", id, attempt)
                .then()
                .statusCode(202);

        assertThat(retries(id)).containsExactly(first + " order false", second + " order waits");
        given().post("/webhooks/{id}/attempts/{attempt}/retry", id, attempt(id, first, false))
                .then()
                .statusCode(202);
        assertThat(retries(id)).containsExactly(first + " order true", second + " order waits");
    }

    @Test
    void sendsATest() {
        long id = created();

        post(id, "test", "{}").then().statusCode(202).body("id", equalTo((int) id));

        assertThat(retries(id)).containsExactly("0 test true");
        given().post("/webhooks/{id}/attempts/{attempt}/retry", id, attempt(id, 0, true))
                .then()
                .statusCode(202);
        assertThat(retries(id)).containsExactly("0 test true");
        read(id).body("lag_events", equalTo(0));
    }

    @Test
    void sendsARangeAgain() {
        long id = created();
        long first = event();
        long second = event();
        long third = event();
        String after = TestWebhooks.eventId(ledger, second);
        sentUpTo(id, third);
        ledger.execute("""
                insert into webhook_retries (endpoint_id, position, subject, subject_id)
                select %d, unnest(array[%d, %d, %d]), 'order', 1""".formatted(id, first, second, third));

        post(id, "replay", "{\"after\":\"%s\"}".formatted(after)).then().statusCode(202);

        assertThat(stored(id, "position")).isEqualTo(Long.toString(second));
        assertThat(stored(id, NEITHER_SENDER_NOR_PAUSE)).isEqualTo("t");
        assertThat(retries(id)).containsExactly(first + " order waits", second + " order waits");
    }

    @Test
    void sendsNoRangeAgainThatWasNotSent() {
        long id = created();
        long position = event();
        String after = TestWebhooks.eventId(ledger, position);
        sentUpTo(id, position - 1);

        post(id, "replay", "{\"after\":\"%s\"}".formatted(after))
                .then()
                .statusCode(422)
                .body("error", equalTo("after is the id of an event that has not been sent yet"));

        String elsewhere = new Cursor(1, 1).toString();
        post(id, "replay", "{\"after\":\"%s\"}".formatted(elsewhere))
                .then()
                .statusCode(422)
                .body("error", containsString("another database"));
        post(id, "replay", "{\"after\":\"yesterday\"}").then().statusCode(400);
        post(id, "replay", "{}").then().statusCode(422);
        assertThat(stored(id, "position")).isEqualTo(Long.toString(position - 1));
    }

    @Test
    void sendsNothingWhileItIsDisabled() {
        long id = created();
        long position = event();
        long attempt = attempt(id, position, true);
        String after = TestWebhooks.eventId(ledger, position);
        post(id, "disable", "{}").then().statusCode(200);

        for (Response response : List.of(
                post(id, "test", "{}"),
                post(id, "replay", "{\"after\":\"%s\"}".formatted(after)),
                given().post("/webhooks/{id}/attempts/{attempt}/retry", id, attempt))) {
            response.then()
                    .statusCode(409)
                    .body("detail", equalTo("Webhook %d is disabled; enable it first.".formatted(id)));
        }

        assertThat(retries(id)).isEmpty();
    }

    @Test
    void tellsWhatThereIsNot() {
        long id = created();

        given().post("/webhooks/{id}/attempts/1/retry", id)
                .then()
                .statusCode(404)
                .body("detail", equalTo("There is no attempt 1."));
        for (String action : List.of("disable", "enable", "rotate_secret", "test")) {
            post(1, action, "{}").then().statusCode(404).body("detail", equalTo("There is no webhook 1."));
        }
    }
}
