package dev.oms;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;

import io.agroal.api.AgroalDataSource;
import io.quarkus.scheduler.Scheduler;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.Method;
import jakarta.enterprise.inject.spi.CDI;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The web role as configured for production: resources and no consumer. */
@Tag("full")
@QuarkusTest
@TestProfile(WebRoleTest.Web.class)
@WithTestResource(OmsServers.class)
class WebRoleTest {
    private final Streams streams = OmsServers.streams();

    public static final class Web implements QuarkusTestProfile {
        @Override
        public String getConfigProfile() {
            return "prod";
        }

        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("oms.auth", "off");
        }
    }

    @Test
    void acceptsOrdersAndLeavesThemToAWorker() throws InterruptedException {
        String name = Shop.uniqueName();
        Shop.item(name, 1, 0);

        long order = Shop.order(Shop.user(), Map.of(name, 1));

        // Twice the interval at which a consumer would be started.
        Thread.sleep(2_000);
        assertThat(Shop.status(order)).isEqualTo("Pending");
        assertThat(streams.orderIds()).contains(Long.toString(order));
    }

    @Test
    @DisabledOnIntegrationTest("The scheduler is visible only inside the process")
    void schedulesNothingOfTheWorkers() {
        assertThat(CDI.current().select(Scheduler.class).get().getScheduledJobs())
                .isNotEmpty()
                .allMatch(job -> job.getMethodDescription().contains("dev.oms.flow.")
                        || job.getMethodDescription().contains("dev.oms.access.")
                        || job.getMethodDescription().contains("dev.oms.event."));
    }

    @Test
    void staysReadyWithoutRedis() throws IOException {
        OmsServers.servers().stopRedis();
        try {
            OmsServers.management()
                    .get("/q/health/ready")
                    .then()
                    .statusCode(200)
                    .body("status", equalTo("UP"));
        } finally {
            OmsServers.servers().startRedis();
        }
    }

    /**
     * Otherwise an outage or a queue would take every web process out of service, and leave clients without an answer.
     */
    @Test
    @DisabledOnIntegrationTest("Takes all the connections of the process")
    void staysReadyWithoutAConnectionToPostgres() throws SQLException {
        List<Connection> all = new ArrayList<>();
        try {
            AgroalDataSource pool = CDI.current().select(AgroalDataSource.class).get();
            for (int i = pool.getConfiguration().connectionPoolConfiguration().maxSize(); i > 0; i--) {
                all.add(pool.getConnection());
            }
            OmsServers.management()
                    .get("/q/health/ready")
                    .then()
                    .statusCode(200)
                    .body("status", equalTo("UP"));
        } finally {
            for (Connection connection : all) {
                connection.close();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.oms.kubernetes.Probes#paths")
    void respondsToItsProbes(String path) {
        OmsServers.management().get(path).then().statusCode(200);
    }

    @Test
    void publishesTheDocumentOfItsApiAndNoSwaggerUi() {
        given().get("/q/openapi").then().statusCode(200);
        for (String path : new String[] {"/q/swagger-ui", "/q/swagger-ui/", "/q/swagger-ui/swagger-ui-bundle.js"}) {
            for (Method method : new Method[] {Method.GET, Method.POST, Method.DELETE, Method.OPTIONS}) {
                given().redirects()
                        .follow(false)
                        .request(method, path)
                        .then()
                        .statusCode(404)
                        .contentType("application/problem+json");
            }
        }
    }
}
