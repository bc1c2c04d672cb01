package dev.oms.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

/** {@code oms_feed_held_back_seconds} while a transaction that has taken a position does not end. */
@QuarkusTest
@TestProfile(FeedGaugeTest.Often.class)
@WithTestResource(OmsServers.class)
class FeedGaugeTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    /** Nobody else writes events. */
    public static final class Often implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of(
                    "oms.job.gauges.every", "1s",
                    "oms.job.consumer.every", "off",
                    "oms.job.reconciler.every", "off");
        }
    }

    private final Ledger ledger = OmsServers.ledger();

    @Test
    void tellsForHowLongATransactionHoldsBackWhatIsCommitted() throws Exception {
        await().atMost(PATIENCE).until(() -> heldBack() == 0);
        try (Connection slow = ledger.connect();
                Statement statement = slow.createStatement()) {
            slow.setAutoCommit(false);
            statement.execute("select nextval(pg_get_serial_sequence('events', 'position'))");
            // While nothing is behind it, it holds nothing back.
            await().during(Duration.ofSeconds(3)).atMost(PATIENCE).until(() -> heldBack() == 0);

            insert();

            await().atMost(PATIENCE).until(() -> heldBack() > 1);
            // What is committed meanwhile does not make it shorter.
            insert();
            await().during(Duration.ofSeconds(2)).atMost(PATIENCE).until(() -> heldBack() > 1);
            assertThat(heldBack()).isLessThan(PATIENCE.toSeconds() * 3);
            slow.rollback();
        }
        await().atMost(PATIENCE).until(() -> heldBack() == 0);
    }

    private void insert() {
        ledger.execute("insert into events (subject, subject_id, version, type) values ('order', %d, 1, 'order.placed')"
                .formatted(ThreadLocalRandom.current().nextLong(1L << 52, 1L << 53)));
    }

    private static double heldBack() {
        return OmsServers.management()
                .get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith("oms_feed_held_back_seconds "))
                .map(line -> Double.parseDouble(line.split(" ")[1]))
                .findFirst()
                .orElseThrow();
    }
}
