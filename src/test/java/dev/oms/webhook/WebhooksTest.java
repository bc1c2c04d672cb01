package dev.oms.webhook;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.LogLines;
import dev.oms.OmsServers;
import dev.oms.event.Cursor;
import dev.oms.event.EventFeed;
import dev.oms.event.TestFeed;
import io.quarkus.arc.ClientProxy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusMock;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import jakarta.transaction.Status;
import jakarta.transaction.TransactionSynchronizationRegistry;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the API does within its process. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class WebhooksTest {
    private final Ledger ledger = OmsServers.ledger();

    @Inject
    EventFeed feed;

    @Inject
    TransactionSynchronizationRegistry transactions;

    @BeforeEach
    void deleteAll() {
        TestWebhooks.deleteAll(ledger);
    }

    private static int post(String path, Map<String, ?> body) {
        return given().contentType("application/json")
                .header("OMS-Actor", "Anna")
                .body(body)
                .post(path)
                .statusCode();
    }

    private boolean isInTransaction() {
        return transactions.getTransactionStatus() != Status.STATUS_NO_TRANSACTION;
    }

    /** Whoever waits for the end of the feed waits for others, who may need a connection. */
    @Test
    void readsTheEndOfTheFeedOutsideOfATransaction() {
        List<Boolean> inTransaction = Collections.synchronizedList(new ArrayList<>());
        QuarkusMock.installMockForType(
                new TestFeed(ClientProxy.unwrap(feed)) {
                    @Override
                    public long end() {
                        inTransaction.add(isInTransaction());
                        return super.end();
                    }

                    @Override
                    public Cursor cursorOf(long position) {
                        inTransaction.add(isInTransaction());
                        return super.cursorOf(position);
                    }
                },
                EventFeed.class);
        String start = TestWebhooks.eventId(ledger, 0);

        assertThat(post("/webhooks", Map.of("url", "https://shop.example/oms"))).isEqualTo(201);
        String path =
                "/webhooks/" + ledger.texts("select id from webhook_endpoints").getFirst();
        assertThat(post(path + "/enable", Map.of("from_now", true))).isEqualTo(200);
        assertThat(post(path + "/replay", Map.of("after", start))).isEqualTo(202);

        assertThat(inTransaction).containsExactly(false, false, false);
    }

    @Test
    void logsWhoAsksForATestOrARetry() {
        long id = TestWebhooks.add(ledger, "https://shop.example/oms");
        long attempt = TestWebhooks.attempt(ledger, id, 0, true, "");

        try (LogLines log = new LogLines(WebhookResource.class.getName())) {
            assertThat(post("/webhooks/" + id + "/test", Map.of())).isEqualTo(202);
            assertThat(post("/webhooks/" + id + "/attempts/" + attempt + "/retry", Map.of()))
                    .isEqualTo(202);

            assertThat(log.lines())
                    .containsExactly(
                            "INFO A test of webhook %d was asked for by Anna".formatted(id),
                            "INFO A retry of attempt %d of webhook %d was asked for by Anna".formatted(attempt, id));
        }
    }

    @Test
    void printsNoSecret() {
        SigningSecret secret = SigningSecret.create();

        assertThat(new NewWebhook(null, secret).toString()).doesNotContain(secret.value());
    }
}
