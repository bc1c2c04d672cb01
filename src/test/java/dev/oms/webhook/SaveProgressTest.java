package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.webhook.Message.Subject;
import dev.oms.webhook.Progress.Retry;
import dev.oms.webhook.SaveProgress.Saved;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a worker stores of an endpoint that somebody has changed meanwhile. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class SaveProgressTest {
    private static final UUID LEASE = UUID.randomUUID();

    private final Ledger ledger = OmsServers.ledger();
    private long id;
    private String subscription;

    @Inject
    SaveProgress saver;

    @BeforeEach
    void addWebhook() {
        TestWebhooks.deleteAll(ledger);
        id = TestWebhooks.add(ledger, "https://shop.example/oms");
        subscription = stored(SaveProgress.SUBSCRIPTION);
        set("position = 10, lease = '%s', lease_until = now() + interval '30 s'".formatted(LEASE));
    }

    private void set(String columns) {
        ledger.execute("update webhook_endpoints set %s where id = %d".formatted(columns, id));
    }

    private String stored(String column) {
        return ledger.texts("select %s from webhook_endpoints where id = %d".formatted(column, id))
                .getFirst();
    }

    private Map<Long, Saved> save(Long pauseMillis) {
        return save(pauseMillis, List.of());
    }

    private Map<Long, Saved> save(Long pauseMillis, List<Retry> changed) {
        Progress progress = new Progress(
                id,
                subscription,
                10,
                12,
                20,
                pauseMillis,
                true,
                true,
                false,
                false,
                List.of(),
                List.of(),
                changed,
                List.of());
        return saver.save(LEASE, List.of(progress));
    }

    @Test
    void storesAPause() {
        set("probe_at = now() - interval '1 min'");

        Map<Long, Saved> saved = save(3_600_000L);

        assertThat(saved).containsExactly(Map.entry(id, new Saved(false, null)));
        assertThat(stored("probe_at > clock_timestamp() + interval '59 min'")).isEqualTo("t");
        assertThat(stored("position")).isEqualTo("12");
    }

    /** As when somebody asks for an event again: a worker that has not noticed yet would pause the endpoint again. */
    @Test
    void keepsThatSomebodyHasEndedThePause() {
        set("probe_at = clock_timestamp(), lease = null, lease_until = null");

        Map<Long, Saved> saved = save(3_600_000L);

        assertThat(saved).containsExactly(Map.entry(id, new Saved(true, null)));
        assertThat(stored("probe_at <= clock_timestamp()")).isEqualTo("t");
        assertThat(stored("position")).as("the rest is stored").isEqualTo("12");
    }

    @Test
    void storesTheEndOfAPause() {
        set("probe_at = clock_timestamp() + interval '1 hour'");

        save(null);

        assertThat(stored("probe_at")).isNull();
    }

    /** As when somebody enables it: what failed before counts no more. */
    @Test
    void pausesNothingThatSomebodyHasChanged() {
        set("probe_at = null, failures = 0, lease = null, lease_until = null");

        save(3_600_000L);

        assertThat(stored("probe_at")).isNull();
        assertThat(stored("failures")).isEqualTo("0");
        assertThat(stored("position")).as("the rest is stored").isEqualTo("12");
    }

    /** A worker that has not noticed passes over the events of a type that was added, and sends to the old URL. */
    @ParameterizedTest
    @ValueSource(strings = {"types = '{order.placed,item.low_stock}'", "url = 'https://shop.example/other'"})
    void storesNothingOfASubscriptionThatSomebodyHasChanged(String change) {
        set(change + ", lease = null, lease_until = null");

        assertThat(save(null)).isEmpty();

        assertThat(stored("position")).isEqualTo("10");
    }

    private void retryThatIsDue() {
        ledger.execute("""
                insert into webhook_retries (endpoint_id, position, subject, subject_id, attempt, next_attempt_at)
                values (%d, 7, 'order', 1, 1, clock_timestamp())""".formatted(id));
    }

    /** Stores that it has failed a second time, and is due in an hour. */
    private void putOff() {
        long dueNanos = System.nanoTime() + Duration.ofHours(1).toNanos();
        save(null, List.of(new Retry(7, new Subject("order", 1), 2, dueNanos)));
    }

    private List<String> attemptAndWhetherItIsDue() {
        return ledger.texts(
                "select attempt || ' ' || (next_attempt_at < clock_timestamp() + interval '1 min') from webhook_retries "
                        + "where endpoint_id = " + id);
    }

    @Test
    void putsOffARetryThatFailsAgain() {
        retryThatIsDue();

        putOff();

        assertThat(attemptAndWhetherItIsDue()).containsExactly("2 false");
    }

    @Test
    void keepsTheTimeOfARetryThatSomebodyMayHaveAskedForMeanwhile() {
        retryThatIsDue();
        set("lease = null, lease_until = null");

        putOff();

        assertThat(attemptAndWhetherItIsDue()).containsExactly("2 true");
    }

    @Test
    void storesNothingOfWhatAnotherWorkerHasTaken() {
        set("lease = gen_random_uuid()");
        assertThat(save(null)).isEmpty();
        set("lease = '%s', position = 11".formatted(LEASE));
        assertThat(save(null)).isEmpty();

        assertThat(stored("position")).isEqualTo("11");
        assertThat(stored("failures")).isEqualTo("0");
    }
}
