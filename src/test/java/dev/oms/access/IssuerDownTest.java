package dev.oms.access;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import dev.oms.OmsServers;
import io.quarkus.test.common.ResourceArg;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.response.ValidatableResponse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Web starts while the issuer of tokens is down. */
@QuarkusTest
@TestProfile(IssuerDownTest.WithOtherClaims.class)
@WithTestResource(OmsServers.class)
@WithTestResource(value = Issuer.class, initArgs = @ResourceArg(name = Issuer.DOWN, value = ""))
class IssuerDownTest {
    /** The claims of Keycloak. */
    public static final class WithOtherClaims implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            Map<String, String> settings = new HashMap<>(new WithKeys().getConfigOverrides());
            settings.put("oms.oidc.roles-claim", "realm_access/roles");
            settings.put("oms.oidc.user-claim", "customer_number");
            return settings;
        }
    }

    private static String token() {
        return Issuer.token(Issuer.claims("anna", "admin")
                .put("realm_access", new JsonObject().put("roles", new JsonArray(List.of("customer"))))
                .put("customer_number", 17));
    }

    private static ValidatableResponse get(String bearer) {
        return given().header("Authorization", "Bearer " + bearer)
                .get("/api_keys/current")
                .then();
    }

    /** One test, because the issuer can be down from the start only once. */
    @Test
    @Tag("full")
    @Timeout(120)
    void tokensAreAcceptedOnceTheIssuerIsUp() throws IOException {
        for (String noToken : List.of(".", "..", "...", "a.b")) {
            get(noToken).statusCode(401);
        }
        for (int i = 0; i < 5; i++) {
            get(token()).statusCode(503).header("Retry-After", "1");
            get(TestKeys.admin(OmsServers.ledger())).statusCode(200);
        }

        try (ServerSocket silent = Issuer.silent()) {
            await().atMost(Duration.ofSeconds(30))
                    .ignoreException(SocketTimeoutException.class)
                    .untilAsserted(() -> {
                        get(token()).statusCode(503).header("Retry-After", "1");
                        silent.accept().close();
                    });
        }

        Issuer.up();

        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(200))
                .untilAsserted(() -> get(token())
                        .statusCode(200)
                        .body(
                                "scopes",
                                equalTo(List.of("events:read", "inventory:read", "orders:read", "orders:write")))
                        .body("user_id", equalTo(17)));
        assertThat(Issuer.keysRead()).isEqualTo(1);
    }
}
