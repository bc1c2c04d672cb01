package dev.oms.webhook;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;

import dev.oms.LogLines;
import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Without {@code OMS_SECRETS_KEY} no secret can be stored. */
@QuarkusTest
@TestProfile(NoSecretsKeyTest.WithoutKey.class)
@WithTestResource(OmsServers.class)
class NoSecretsKeyTest {
    /** Takes away the key of the tests. */
    public static final class WithoutKey implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("oms.secrets.key", "");
        }
    }

    @Inject
    DispatchWebhooks dispatch;

    @BeforeEach
    @AfterEach
    void deleteWebhooks() {
        TestWebhooks.deleteAll(OmsServers.ledger());
    }

    @Test
    void refusesWhatNeedsASecret() {
        long id = TestWebhooks.add(OmsServers.ledger(), "https://shop.example/oms");

        given().contentType("application/json")
                .body(Map.of("url", "https://shop.example/oms"))
                .post("/webhooks")
                .then()
                .statusCode(503)
                .header("Retry-After", notNullValue())
                .body("detail", equalTo(Secrets.REFUSAL));

        given().post("/webhooks/{id}/rotate_secret", id)
                .then()
                .statusCode(503)
                .body("detail", equalTo(Secrets.REFUSAL));
        given().get("/webhooks/{id}", id).then().statusCode(200).body("updated_by", equalTo("api"));
        given().post("/webhooks/{id}/disable", id).then().statusCode(200);
        given().delete("/webhooks/{id}", id).then().statusCode(204);
    }

    @Test
    void tellsThatNobodySends() {
        long id = TestWebhooks.add(OmsServers.ledger(), "https://shop.example/oms");
        OmsServers.ledger()
                .execute("update webhook_endpoints set updated_at = updated_at - interval '2 min' where id = " + id);

        try (LogLines log = new LogLines(DispatchWebhooks.class.getName())) {
            dispatch.run();

            assertThat(log.lines())
                    .containsExactly(
                            "WARN Webhooks that no worker sends to: 1. This one cannot either: set OMS_SECRETS_KEY");
        }
        OmsServers.management().get("/q/metrics").then().body(containsString("\noms_webhooks_unattended 1.0"));
    }
}
