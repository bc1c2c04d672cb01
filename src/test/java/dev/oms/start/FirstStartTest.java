package dev.oms.start;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.WithoutConsumer;
import io.agroal.api.AgroalDataSource;
import io.quarkus.agroal.DataSource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The first start of all, on an empty database. */
@Tag("full")
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(FirstStartTest.EmptyDatabase.class)
class FirstStartTest {
    /** A new database on the server of the other tests. */
    public static final class EmptyDatabase implements QuarkusTestResourceLifecycleManager {
        private static final String NAME = "first_start";

        private final OmsServers servers = new OmsServers();

        @Override
        public Map<String, String> start() {
            Map<String, String> settings = servers.start();
            OmsServers.ledger().execute("drop database if exists " + NAME + " with (force)");
            OmsServers.ledger().execute("create database " + NAME);
            settings.computeIfPresent(
                    "OMS_DB_URL",
                    (key, url) -> url.replace("/postgres", "/" + NAME).replaceFirst("&currentSchema=\\w+", ""));
            return settings;
        }

        @Override
        public void stop() {
            servers.stop();
        }
    }

    @Inject
    AgroalDataSource dataSource;

    @Inject
    @DataSource("placing")
    AgroalDataSource placing;

    /** Those that Hibernate and Flyway have used were opened before the limits existed. */
    @Test
    void limitsEveryPooledConnection() throws SQLException {
        List<Connection> pooled = new ArrayList<>();
        try {
            for (AgroalDataSource pool : List.of(dataSource, placing)) {
                for (int i = pool.getConfiguration()
                                .connectionPoolConfiguration()
                                .maxSize();
                        i > 0;
                        i--) {
                    pooled.add(pool.getConnection());
                }
            }

            assertThat(pooled).allSatisfy(connection -> {
                assertThat(setting(connection, "statement_timeout")).isEqualTo("30s");
                assertThat(setting(connection, "lock_timeout")).isEqualTo("5s");
                assertThat(setting(connection, "idle_in_transaction_session_timeout"))
                        .isEqualTo("1min");
                assertThat(setting(connection, "transaction_isolation")).isEqualTo("read committed");
            });
        } finally {
            for (Connection connection : pooled) {
                connection.close();
            }
        }
    }

    private static String setting(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("show " + name)) {
            row.next();
            return row.getString(1);
        }
    }
}
