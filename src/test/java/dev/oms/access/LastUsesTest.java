package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
class LastUsesTest {
    @Inject
    ApiKeys keys;

    private final Ledger ledger = OmsServers.ledger();

    private long create(String name) {
        TestKeys.of(ledger, name, Role.storefront.scopes(), null, "null", "null");
        return Long.parseLong(ledger.texts("select max(id) from api_keys where name = '" + name + "'")
                .getFirst());
    }

    /** Two web processes that lock the same keys in different orders would deadlock. */
    @Test
    void locksKeysInTheOrderOfTheirIds() throws Exception {
        long first = create("first");
        long second = create("second");
        // PostgreSQL comes across the first one last: its newest version is behind the second.
        ledger.execute("update api_keys set rate = 1 where id = " + first);
        Thread touch;
        try (Connection other = ledger.connect();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("select from api_keys where id = " + first + " for update");

            touch = Thread.startVirtualThread(() -> keys.touch(List.of(second, first)));
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> ledger.count(
                                    "pg_stat_activity where wait_event_type = 'Lock' and query like '%last_used_at%'")
                            > 0);

            assertThatCode(() -> statement.execute(
                            "select from api_keys where id = " + second + " for no key update nowait"))
                    .doesNotThrowAnyException();
        }
        touch.join();
    }
}
