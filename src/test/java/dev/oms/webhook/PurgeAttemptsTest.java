package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(OmsServers.class)
class PurgeAttemptsTest {
    private final Ledger ledger = OmsServers.ledger();

    @Inject
    PurgeAttempts purge;

    @BeforeEach
    void deleteAll() {
        ledger.execute("truncate webhook_attempts, webhook_counts");
    }

    /** The reason is kept as a name: attempts that succeed have one here only. */
    private void attempts(int count, boolean succeeded, String age, String name) {
        ledger.execute("""
                insert into webhook_attempts (endpoint_id, position, attempt, attempted_at, succeeded, reason, ms)
                select i %% 3, i, 1, clock_timestamp() - interval '%s', %b, '%s', 1 from generate_series(1, %d) i""".formatted(age, succeeded, name, count));
    }

    private List<String> kept() {
        return ledger.texts("select reason || ' ' || count(*) from webhook_attempts group by reason order by reason");
    }

    @Test
    void deletesSuccessesAfterADayAndFailuresAfterThirty() {
        attempts(2, true, "23 hours 50 minutes", "young success");
        attempts(3, true, "1 day 1 minute", "old success");
        attempts(4, false, "29 days 23 hours", "young failure");
        attempts(5, false, "30 days 1 minute", "old failure");

        int purged = purge.purge();

        assertThat(purged).isEqualTo(8);
        assertThat(kept()).containsExactly("young failure 4", "young success 2");
    }

    /** In several transactions, none of which is long. */
    @Test
    void deletesMoreThanABatch() {
        attempts(12_000, true, "2 days", "old success");
        attempts(5_000, false, "31 days", "old failure");
        attempts(1, false, "2 days", "young failure");

        int purged = purge.purge();

        assertThat(purged).isEqualTo(17_000);
        assertThat(kept()).containsExactly("young failure 1");
        assertThat(purge.purge()).isZero();
    }

    @Test
    void keepsTheCountsThatTheLastDayNeeds() {
        ledger.execute("""
                insert into webhook_counts
                select 1, date_trunc('hour', clock_timestamp()) - i * interval '1 hour', 1, 0
                from unnest(array[0, 24, 25, 47, 49, 300]) i""");

        purge.purge();

        assertThat(ledger.texts("""
                select round(extract(epoch from date_trunc('hour', clock_timestamp()) - hour) / 3600)::integer
                from webhook_counts order by hour desc""")).isEqualTo(List.of("0", "24", "25", "47"));
    }
}
