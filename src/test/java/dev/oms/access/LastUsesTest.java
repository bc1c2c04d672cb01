package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.security.NamePrincipal;
import io.agroal.api.security.SimplePassword;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
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

    /** Reads tables from the beginning to the end, so that it comes across the key last that was changed last. */
    @ConfigProperty(name = "quarkus.datasource.jdbc.url")
    String url;

    private AgroalDataSource scanning() throws SQLException {
        Map<String, String> settings = OmsServers.servers().settings();
        return AgroalDataSource.from(new AgroalDataSourceConfigurationSupplier()
                .connectionPoolConfiguration(pool -> pool.maxSize(1)
                        .connectionFactoryConfiguration(connection -> connection
                                .jdbcUrl(url)
                                .principal(new NamePrincipal(settings.get("OMS_DB_USER")))
                                .credential(new SimplePassword(settings.get("OMS_DB_PASSWORD")))
                                .initialSql("set enable_indexscan = off; set enable_bitmapscan = off"))));
    }

    @Test
    void storesWhatHasBeenUsedBeforeItStops() throws Exception {
        long id = create("stopping");
        LastUses lastUses = new LastUses(keys);
        lastUses.add(id);

        lastUses.storeAtShutdown(null);

        await().atMost(Duration.ofSeconds(30))
                .until(() -> ledger.count("api_keys where last_used_at is not null and id = " + id) > 0);
    }

    /** Two web processes that lock the same keys in different orders would deadlock. */
    @Test
    void locksKeysInTheOrderOfTheirIds() throws Exception {
        long first = create("first");
        long second = create("second");
        do {
            ledger.execute("update api_keys set rate = 1 where id = " + first);
        } while (ledger.count("api_keys f, api_keys s where f.id = %d and s.id = %d and f.ctid > s.ctid"
                        .formatted(first, second))
                == 0);
        try (AgroalDataSource scanning = scanning();
                Connection other = ledger.connect();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("select from api_keys where id = " + first + " for update");

            Thread touch = Thread.startVirtualThread(() -> new ApiKeys(scanning).touch(List.of(second, first)));
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> ledger.count(
                                    "pg_stat_activity where wait_event_type = 'Lock' and query like '%last_used_at%'")
                            > 0);

            assertThatCode(() -> statement.execute(
                            "select from api_keys where id = " + second + " for no key update nowait"))
                    .doesNotThrowAnyException();
            other.rollback();
            touch.join();
        }
    }
}
