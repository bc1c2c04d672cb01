package dev.oms.http;

import dev.oms.OmsServers;
import dev.oms.access.TestKeys;
import dev.oms.access.WithKeys;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.builder.RequestSpecBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Each call waits until its key, which is new, has been looked up. The body arrives meanwhile. */
@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
class Http2BodyWithKeysTest extends Http2BodyTest {
    @BeforeEach
    void sendAKey() {
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", authorization())
                .build();
    }

    @AfterEach
    void sendNoKey() {
        RestAssured.requestSpecification = null;
    }

    @Override
    String authorization() {
        return "Bearer " + TestKeys.admin(OmsServers.ledger());
    }
}
