package dev.oms.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import io.agroal.api.AgroalDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code oms_postgresql_up} when nothing else is as usual. PostgresFaultIT has the outage. */
@Tag("full")
@QuarkusTest
@TestProfile(PostgresGaugeTest.WithoutFlow.class)
@WithTestResource(OmsServers.class)
class PostgresGaugeTest {
    private static final int CONNECTIONS = 2;

    public static final class WithoutFlow implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("oms.flow.every", "off", "quarkus.datasource.jdbc.max-size", Integer.toString(CONNECTIONS));
        }
    }

    @Inject
    PostgresGauge gauge;

    @Inject
    AgroalDataSource pool;

    @Test
    void doesNotDependOnTheFlow() {
        assertThat(metrics()).contains("oms_postgresql_up 1.0");
    }

    /** Calls that wait for a connection get 503, but PostgreSQL answers. */
    @Test
    void aBusyPoolIsNoOutage() throws SQLException {
        List<Connection> all = new ArrayList<>();
        try {
            for (int i = 0; i < CONNECTIONS; i++) {
                all.add(pool.getConnection());
            }

            gauge.ask();

            assertThat(metrics()).contains("oms_postgresql_up 1.0");
        } finally {
            for (Connection connection : all) {
                connection.close();
            }
        }
    }

    private static String metrics() {
        return OmsServers.management().get("/q/metrics").asString();
    }
}
