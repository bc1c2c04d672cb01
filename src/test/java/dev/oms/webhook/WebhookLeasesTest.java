package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.webhook.Endpoint.Row;
import dev.oms.webhook.Progress.Attempt;
import dev.oms.webhook.SaveProgress.Saved;
import dev.oms.webhook.WebhookLeases.Held;
import io.agroal.api.AgroalDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rows of endpoints, between several workers and the API. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class WebhookLeasesTest {
    private static final String URL = "https://shop.example/oms";

    private final Ledger ledger = OmsServers.ledger();
    private final UUID lease = UUID.randomUUID();

    @Inject
    AgroalDataSource dataSource;

    @Inject
    SaveProgress saver;

    @Inject
    WebhookAttempts attempts;

    @Inject
    Secrets secrets;

    @BeforeEach
    @AfterEach
    void deleteAll() {
        TestWebhooks.deleteAll(ledger);
        ledger.execute("delete from webhook_workers");
    }

    private WebhookLeases worker() {
        return new WebhookLeases(dataSource, secrets);
    }

    private static Secrets otherKey() {
        return new Secrets(() -> Optional.of(List.of(Base64.getEncoder().encodeToString(new byte[32]))));
    }

    private long webhook() {
        long id = TestWebhooks.add(ledger, URL);
        set(id, "secret", secrets);
        return id;
    }

    private void set(long id, String column, Secrets with) {
        ledger.execute("update webhook_endpoints set %s = '\\x%s' where id = %d"
                .formatted(column, HexFormat.of().formatHex(with.encrypt(id, SigningSecret.create())), id));
    }

    /** As the API does it with every change. */
    private void change(long id, String changes) {
        ledger.execute(("update webhook_endpoints set lease = null, lease_until = null, "
                        + "updated_at = clock_timestamp()%s where id = %d")
                .formatted(changes, id));
    }

    private Held renew(WebhookLeases worker, Long... held) {
        return worker.renew(lease, List.of(held), List.of());
    }

    private static List<Long> taken(Held held) {
        return held.taken().stream().map(Row::id).toList();
    }

    private String row(long id, String expression) {
        return ledger.texts("select %s from webhook_endpoints where id = %d".formatted(expression, id))
                .getFirst();
    }

    // --- What cannot be read ---

    @Test
    void leavesWhatItCannotDecryptToOthersUntilItIsChanged() {
        WebhookLeases wrong = new WebhookLeases(dataSource, otherKey());
        List<Long> ids = List.of(webhook(), webhook(), webhook());

        assertThat(renew(wrong).taken()).isEmpty();
        for (long id : ids) {
            assertThat(row(id, "lease")).isNull();
        }
        assertThat(renew(wrong).counts().unattended())
                .as("they have only been added")
                .isZero();
        ledger.execute("update webhook_endpoints set updated_at = updated_at - interval '2 min', "
                + "lease_until = lease_until - interval '2 min'");
        assertThat(renew(wrong).counts().unattended()).isEqualTo(3);
        // It does not count as a worker, so that another takes all.
        assertThat(renew(wrong).taken()).isEmpty();
        UUID other = UUID.randomUUID();
        assertThat(taken(worker().renew(other, List.of(), List.of()))).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(renew(wrong).counts().unattended()).isZero();

        ledger.execute("delete from webhook_workers");
        set(ids.getFirst(), "secret", otherKey());
        change(ids.getFirst(), "");
        assertThat(taken(renew(wrong))).containsExactly(ids.getFirst());
    }

    @Test
    void isNotUnattendedJustBecauseATestIsSent() {
        long id = webhook();
        WebhookLeases worker = worker();
        assertThat(taken(renew(worker))).containsExactly(id);
        ledger.execute("update webhook_endpoints set updated_at = updated_at - interval '2 min'");

        attempts.test(id);

        assertThat(row(id, "lease")).isNull();
        assertThat(worker.counts().unattended()).isZero();
    }

    /** One secret that nobody can decrypt leaves a worker what it is. */
    @Test
    void staysAWorkerWhileItCanDecryptAny() {
        UUID other = UUID.randomUUID();
        WebhookLeases busy = worker();
        List<Long> held = List.of(webhook(), webhook());
        assertThat(taken(busy.renew(other, List.of(), List.of()))).hasSize(2);
        set(webhook(), "secret", otherKey());

        WebhookLeases idle = worker();
        assertThat(renew(idle).taken()).isEmpty();
        assertThat(renew(idle).taken()).isEmpty();

        assertThat(ledger.count("webhook_workers")).isEqualTo(2);
        assertThat(busy.renew(other, held, List.of()).kept()).hasSize(2);
    }

    @Test
    void anUnreadableUrlConcernsNoOtherWebhook() {
        long bad = webhook();
        long good = webhook();
        ledger.execute("update webhook_endpoints set url = 'gopher://shop' where id = " + bad);

        WebhookLeases worker = worker();

        assertThat(taken(renew(worker))).containsExactly(good);
        assertThat(renew(worker, good))
                .satisfies(held -> assertThat(held.kept()).containsExactly(good))
                .satisfies(held -> assertThat(held.taken()).isEmpty());
        assertThat(row(bad, "lease")).isNull();
        change(bad, ", url = '" + URL + "'");
        assertThat(taken(renew(worker, good))).containsExactly(bad);
    }

    /** As when the key was lost, and the secret rotated. */
    @Test
    void signsWithoutAPreviousSecretThatItCannotDecrypt() {
        long id = webhook();
        set(id, "previous_secret", otherKey());
        ledger.execute("update webhook_endpoints set previous_secret_until = clock_timestamp() + interval '1 day'");

        assertThat(renew(worker()).taken())
                .singleElement()
                .satisfies(row -> assertThat(row.secrets()).hasSize(1));

        set(id, "previous_secret", secrets);
        change(id, "");
        assertThat(renew(worker()).taken())
                .singleElement()
                .satisfies(row -> assertThat(row.secrets()).hasSize(2));
    }

    // --- Saving ---

    private Progress progress(long id, long was, long position, boolean isGone) {
        Outcome failed = new Outcome(500, "status 500", 1, null, null);
        return new Progress(
                id,
                row(id, SaveProgress.SUBSCRIPTION),
                was,
                position,
                12,
                60_000L,
                true,
                true,
                false,
                isGone,
                List.of(new Attempt(position, 1, System.nanoTime(), failed)),
                List.of(),
                List.of(),
                List.of());
    }

    private static final String HEALTH = "failures || ' ' || coalesce(probe_at > clock_timestamp(), false) || ' ' || "
            + "(failing_since is not null) || ' ' || coalesce(disabled_reason, 'enabled')";

    @Test
    void storesHowAnEndpointIs() {
        long id = webhook();
        long position = Long.parseLong(row(id, "position"));
        renew(worker());

        assertThat(saver.save(lease, List.of(progress(id, position, position + 1, false))))
                .isEqualTo(Map.of(id, new Saved(false, null)));
        assertThat(row(id, HEALTH)).isEqualTo("12 true true enabled");

        assertThat(saver.save(lease, List.of(progress(id, position + 1, position + 1, true))))
                .isEqualTo(Map.of(id, new Saved(true, "gone")));
        assertThat(row(id, HEALTH)).isEqualTo("12 true true gone");
        assertThat(row(id, "lease")).isNull();
    }

    /** What ended before somebody has enabled the endpoint, or has changed its URL, says nothing of it now. */
    @Test
    void whatAWorkerStoresLateLeavesAChangeAlone() {
        long id = webhook();
        long position = Long.parseLong(row(id, "position"));
        renew(worker());

        change(id, "");
        Map<Long, Saved> saved = saver.save(lease, List.of(progress(id, position, position + 1, true)));

        assertThat(saved).isEqualTo(Map.of(id, new Saved(true, null)));
        assertThat(row(id, HEALTH)).isEqualTo("0 false false enabled");
        assertThat(row(id, "position")).isEqualTo(Long.toString(position + 1));
        assertThat(ledger.count("webhook_attempts where endpoint_id = " + id)).isOne();
    }

    /** Nor does it say that a worker has disabled it. */
    @Test
    void whatSomebodyHasDisabledStaysDisabled() {
        long id = webhook();
        long position = Long.parseLong(row(id, "position"));
        renew(worker());

        change(id, ", disabled_at = clock_timestamp(), disabled_reason = 'operator'");

        assertThat(saver.save(lease, List.of(progress(id, position, position, true))))
                .isEqualTo(Map.of(id, new Saved(true, null)));
        assertThat(row(id, "disabled_reason")).isEqualTo("operator");
    }

    /** Both change many rows, in an order of PostgreSQL's choice if they do not choose one. */
    @Test
    void savingAndRenewingDoNotBlockEachOther() throws Exception {
        long first = webhook();
        long second = webhook();
        WebhookLeases worker = worker();
        renew(worker);
        List<Progress> progress = List.of(second, first).stream()
                .map(id -> progress(id, Long.parseLong(row(id, "position")), 1L << 40, false))
                .toList();
        CompletableFuture<Held> renewed;
        CompletableFuture<Map<Long, Saved>> saved;

        try (Connection holder = ledger.connect();
                Statement statement = holder.createStatement()) {
            holder.setAutoCommit(false);
            statement.execute("select from webhook_endpoints where id = %d for update".formatted(first));
            renewed = CompletableFuture.supplyAsync(() -> renew(worker, first, second), Thread::startVirtualThread);
            awaitWaiting(1);
            saved = CompletableFuture.supplyAsync(() -> saver.save(lease, progress), Thread::startVirtualThread);
            awaitWaiting(2);
            holder.rollback();
        }

        assertThat(renewed.get(1, TimeUnit.MINUTES).kept()).isEqualTo(Set.of(first, second));
        assertThat(saved.get(1, TimeUnit.MINUTES)).containsOnlyKeys(first, second);
    }

    private void awaitWaiting(int count) {
        await().atMost(Duration.ofMinutes(1))
                .until(() -> ledger.count("pg_stat_activity where wait_event_type = 'Lock' "
                                + "and query like '%webhook_endpoints%' and pid <> pg_backend_pid()")
                        == count);
    }
}
