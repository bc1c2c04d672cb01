package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import io.agroal.api.AgroalDataSource;
import io.quarkus.agroal.DataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The sessions of all pooled connections have ended, as after a restart of PostgreSQL, and it answers again. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class DeadConnectionTest {
    @Inject
    AgroalDataSource main;

    @Inject
    @DataSource("placing")
    AgroalDataSource placing;

    @Test
    void failsNoCall() throws SQLException, InterruptedException {
        long user = Shop.user();
        String item = Shop.uniqueName();
        long itemId = Shop.item(item, 100, 0);
        open(main);
        open(placing);
        String sessions = "pg_stat_activity where datname = current_database() and backend_type = 'client backend'"
                + " and pid <> pg_backend_pid()";

        assertThat(OmsServers.ledger().texts("select pg_terminate_backend(pid, 10000) from " + sessions))
                .hasSizeGreaterThanOrEqualTo(size(main) + size(placing))
                .containsOnly("t");
        // Longer than foreground-validation-interval, and much shorter than a restart takes.
        Thread.sleep(Duration.ofMillis(200));

        for (int i = 0; i < size(placing); i++) {
            assertThat(Shop.order(user, Map.of(item, 1))).isPositive();
        }
        for (int i = 0; i < size(main); i++) {
            given().get("/users/" + user).then().statusCode(200);
            Shop.correct(itemId, 100 + i).then().statusCode(200);
        }
    }

    private static int size(AgroalDataSource pool) {
        return pool.getConfiguration().connectionPoolConfiguration().maxSize();
    }

    /** Opens all connections of a pool, and returns them to it. */
    private static void open(AgroalDataSource pool) throws SQLException {
        List<Connection> all = new ArrayList<>();
        try {
            for (int i = 0; i < size(pool); i++) {
                all.add(pool.getConnection());
            }
        } finally {
            for (Connection each : all) {
                each.close();
            }
        }
        await().until(() -> pool.getMetrics().activeCount() == 0);
    }
}
