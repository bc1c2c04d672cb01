package dev.oms.access;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.startsWith;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.builder.RequestSpecBuilder;
import io.restassured.response.ValidatableResponse;
import io.restassured.specification.RequestSpecification;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import jakarta.enterprise.inject.spi.CDI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Tokens of an OpenID Connect issuer beside keys. */
@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
@WithTestResource(Issuer.class)
class TokenTest {
    private static final String NOT_VALID = "The token is not valid";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Ledger ledger = OmsServers.ledger();
    private final String subject = UUID.randomUUID().toString();

    private static RequestSpecification with(String bearer) {
        return given().header("Authorization", "Bearer " + bearer).contentType("application/json");
    }

    /** The answer to a token, once its address has not sent too many that are invalid. */
    private static ValidatableResponse answerTo(String bearer) {
        return await().atMost(PATIENCE)
                .until(
                        () -> with(bearer).get("/orders?limit=1").then(),
                        response -> response.extract().statusCode() != 429);
    }

    // --- Valid tokens ---

    @ParameterizedTest
    @CsvSource({"RS256, rsa", "ES256, ec"})
    void aTokenIsAcceptedBesideKeys(String algorithm, String key) {
        String token = Issuer.sign(Issuer.claims(subject, "operator"), algorithm, key);

        answerTo(token).statusCode(200);

        answerTo(TestKeys.admin(ledger)).statusCode(200);
        with(token)
                .get("/api_keys/current")
                .then()
                .statusCode(200)
                .body("auth", equalTo(true))
                .body("name", equalTo("oidc:" + subject))
                .body("scopes", equalTo(List.copyOf(new TreeSet<>(Role.operator.scopes()))))
                .body("user_id", equalTo(null));
    }

    @Test
    void aTokenMayBeForOthersToo() {
        answerTo(Issuer.token(Issuer.claims(subject, "admin").put("aud", new JsonArray(List.of("x", "oms")))))
                .statusCode(200);
    }

    /** Later than an {@link Instant} can be. */
    @Test
    void aTokenMayEndInAnotherAge() {
        answerTo(Issuer.token(Issuer.claims(subject, "admin").put("exp", 1_000_000_000_000_000_000L)))
                .statusCode(200);
    }

    /**
     * The issuer's clock may be 10 s ahead; a token is not remembered beyond that. The clock says what is expected,
     * however slow this test runs.
     */
    @Test
    void aTokenEnds() {
        long end = inSeconds(-5);
        String token = Issuer.token(
                Issuer.claims(subject, "admin").put("iat", inSeconds(-60)).put("exp", end));
        Instant validUntil = Instant.ofEpochSecond(end + 10);

        await().atMost(PATIENCE).until(() -> {
            // Quarkus counts whole seconds.
            boolean wasOver = Instant.now().isAfter(validUntil.plusSeconds(1));
            int status = answerTo(token).extract().statusCode();
            if (wasOver) {
                assertThat(status).isEqualTo(401);
            } else if (Instant.now().isBefore(validUntil.minusSeconds(1))) {
                assertThat(status).isEqualTo(200);
            }
            return wasOver;
        });
    }

    // --- Invalid tokens ---

    private static Arguments token(String what, Supplier<String> token) {
        return Arguments.of(what, token);
    }

    private static JsonObject claims() {
        return Issuer.claims("mallory", "admin");
    }

    private static JsonObject without(String claim) {
        JsonObject claims = claims();
        claims.remove(claim);
        return claims;
    }

    private static long inSeconds(long seconds) {
        return Instant.now().plusSeconds(seconds).getEpochSecond();
    }

    private static String hmac(byte[] secret) {
        String signed = Issuer.unsigned(claims(), "HS256", "rsa");
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            return signed + "." + Issuer.base64(mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String pem(byte[] key) {
        return "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key)
                + "\n-----END PUBLIC KEY-----\n";
    }

    private static String part(String json) {
        return Issuer.base64(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    static Stream<Arguments> refuses() {
        return Stream.of(
                token("expired", () -> Issuer.token(claims().put("exp", inSeconds(-60)))),
                token("refresh token", () -> Issuer.token(claims().put("typ", "Refresh"))),
                token("never expires", () -> Issuer.token(without("exp"))),
                token("not yet valid", () -> Issuer.token(claims().put("nbf", inSeconds(60)))),
                token("other audience", () -> Issuer.token(claims().put("aud", "others"))),
                token("no audience", () -> Issuer.token(without("aud"))),
                token("other issuer", () -> Issuer.token(claims().put("iss", Issuer.url() + "/others"))),
                token("no issuer", () -> Issuer.token(without("iss"))),
                token("no subject", () -> Issuer.token(without("sub"))),
                token("empty subject", () -> Issuer.token(claims().put("sub", ""))),
                token("unprintable subject", () -> Issuer.token(claims().put("sub", "a\nb"))),
                token("long subject", () -> Issuer.token(claims().put("sub", "x".repeat(256)))),
                token("alg none", () -> Issuer.unsigned(claims(), "none", "rsa") + "."),
                token("no signature", () -> Issuer.unsigned(claims(), "RS256", "rsa") + "."),
                token(
                        "another's key",
                        () -> Issuer.sign(
                                claims(), "RS256", "rsa", Issuer.newKey("RSA").getPrivate())),
                token(
                        "HS256 with the public key",
                        () -> hmac(Issuer.key("rsa").getPublic().getEncoded())),
                token(
                        "HS256 with the public key as PEM",
                        () -> hmac(
                                pem(Issuer.key("rsa").getPublic().getEncoded()).getBytes(StandardCharsets.US_ASCII))),
                token(
                        "other algorithm than the key's",
                        () -> Issuer.sign(
                                claims(), "RS256", "ec", Issuer.key("rsa").getPrivate())),
                token(
                        "unknown key",
                        () -> Issuer.sign(
                                claims(), "RS256", "unknown", Issuer.key("rsa").getPrivate())),
                token("other claims", () -> {
                    String[] parts = Issuer.token(Issuer.claims("mallory")).split("\\.");
                    return Issuer.unsigned(claims(), "RS256", "rsa") + "." + parts[2];
                }),
                token("no token", () -> "eyJ"),
                token("no JSON", () -> "a.b.c"),
                token("one dot", () -> "."),
                token("two dots", () -> ".."),
                token("three dots", () -> "..."),
                token("no base64url", () -> "a.b.ü"),
                token("header is no object", () -> part("[]") + "." + part("{}") + ".c"),
                token("header of wrong types", () -> part("{'alg':1,'kid':[],'typ':{}}") + "." + part("{}") + ".c"),
                token("critical header", () -> part("{'alg':'RS256','crit':1}") + "." + part("{}") + ".c"),
                token("key in the header", () -> part("{'alg':'RS256','jwk':1,'x5c':1}") + "." + part("{}") + ".c"),
                token("claims are no object", () -> part("{'alg':'RS256','kid':'rsa'}") + "." + part("[]") + ".c"),
                token(
                        "claims of wrong types",
                        () -> part("{'alg':'RS256','kid':'rsa'}") + "." + part("{'exp':'x','iss':1,'aud':1}") + ".c"),
                token("five parts", () -> "eyJhbGciOiJkaXIifQ.a.b.c.d"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void refuses(String what, Supplier<String> token) {
        answerTo(token.get())
                .statusCode(401)
                .header("WWW-Authenticate", Authenticate.INVALID_TOKEN)
                .body("detail", startsWith(NOT_VALID));
    }

    @Test
    void whatLooksLikeAKeyIsAKey() {
        answerTo("oms_" + Issuer.token(claims())).statusCode(401).body("detail", startsWith("The key is not valid"));
    }

    /** Otherwise anybody could make OMS flood the issuer. */
    @Test
    void unknownKeysMakeTheIssuersKeysBeReadSeldom() {
        answerTo(Issuer.token(claims())).statusCode(200);
        long start = System.nanoTime();
        int before = Issuer.keysRead();

        for (int i = 0; i < 15; i++) {
            answerTo(Issuer.sign(
                            claims(), "RS256", "unknown-" + i, Issuer.key("rsa").getPrivate()))
                    .statusCode(401);
        }

        long intervals = 1 + Duration.ofNanos(System.nanoTime() - start).toSeconds() / 10;
        assertThat(Issuer.keysRead() - before).isLessThanOrEqualTo((int) intervals);
    }

    @Test
    void tooManyInvalidTokensBlockAnAddressButNoKnownToken() {
        String known = Issuer.token(Issuer.claims(subject, "admin"));
        answerTo(known).statusCode(200);
        String invalid = Issuer.token(claims().put("aud", "others"));

        ValidatableResponse blocked = await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(1))
                .until(
                        () -> with(invalid).get("/orders?limit=1").then(),
                        response -> response.extract().statusCode() == 429);

        blocked.header("Retry-After", "1");
        with(known).get("/orders?limit=1").then().statusCode(200);
    }

    @Test
    void customersWithoutUserCountAsInvalid() {
        String customer = Issuer.token(Issuer.claims(subject, "customer"));

        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(1))
                .until(() ->
                        with(customer).get("/orders?limit=1").then().extract().statusCode() == 429);
    }

    /** So that a flood of one token costs no check of its signature each. */
    @Test
    @DisabledOnIntegrationTest("What is remembered is visible only inside the process")
    void refusedTokensAreRememberedForAMoment() {
        String invalid = Issuer.token(claims().put("aud", "others"));
        String customer = Issuer.token(Issuer.claims(subject, "customer"));
        VerifyTokens verifyTokens = CDI.current().select(VerifyTokens.class).get();

        answerTo(invalid).statusCode(401);
        answerTo(customer).statusCode(403);

        assertThat(verifyTokens.remembered(invalid).orElseThrow().refusal().status())
                .isEqualTo(401);
        assertThat(verifyTokens.remembered(customer).orElseThrow().refusal().status())
                .isEqualTo(403);
    }

    // --- Roles ---

    @ParameterizedTest
    @CsvSource({
        "storefront, 403, 404, 403",
        "warehouse, 403, 403, 403",
        "operator, 403, 404, 200",
        "admin, 200, 404, 200",
        "nobody, 403, 403, 403",
        "Admin, 403, 403, 403"
    })
    void aRoleBringsItsScopes(String role, int keys, int users, int jobs) {
        String token = Issuer.token(Issuer.claims(subject, "offline_access", role));

        answerTo(token).statusCode(Stream.of("nobody", "Admin").anyMatch(role::equals) ? 403 : 200);

        with(token).get("/api_keys").then().statusCode(keys);
        with(token).get("/users/999999999").then().statusCode(users);
        with(token).get("/jobs/failed").then().statusCode(jobs);
    }

    /** Quarkus would take them for permissions. */
    @Test
    void scopesOfATokenAreNone() {
        answerTo(Issuer.token(without("groups").put("scope", "orders:read all-users keys:write")))
                .statusCode(403)
                .body(
                        "detail",
                        equalTo("The key or token may not do this: it lacks the scope, or is bound to a user."));
    }

    @Test
    void rolesAreAdded() {
        answerTo(Issuer.token(Issuer.claims(subject, "customer", "storefront"))).statusCode(200);
        with(Issuer.token(Issuer.claims(subject, "customer", "storefront")))
                .get("/api_keys/current")
                .then()
                .body("user_id", equalTo(null))
                .body("scopes", equalTo(List.copyOf(new TreeSet<>(Role.storefront.scopes()))));
    }

    // --- Customers ---

    @Test
    void aCustomerSeesOnlyItsOwn() {
        String item = Shop.uniqueName();
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", "Bearer " + TestKeys.admin(ledger))
                .build();
        long user = Shop.user();
        Shop.item(item, 10, 0);
        long others = Shop.order(Shop.user(), Map.of(item, 1));
        RestAssured.requestSpecification = null;

        for (Object id : List.of(user, Long.toString(user))) {
            String token = Issuer.token(Issuer.claims(subject, "customer").put("oms_user_id", id));
            answerTo(token).statusCode(200);
            int order = with(token)
                    .header("OMS-Actor", "Anna")
                    .body(Map.of("items", Map.of(item, 1)))
                    .post("/orders")
                    .then()
                    .statusCode(201)
                    .body("user_id", equalTo((int) user))
                    .extract()
                    .path("id");
            with(token)
                    .get("/orders/{id}/events", order)
                    .then()
                    .body("find { it.event == 'Placed' }.by", equalTo("oidc:" + subject + " (Anna)"));
            with(token).get("/orders/{id}", others).then().statusCode(404);
            with(token).get("/users/{id}", user).then().statusCode(403);
        }
    }

    static Stream<JsonObject> customersWithoutUser() {
        return Stream.of(
                new JsonObject(),
                new JsonObject().put("oms_user_id", "anna"),
                new JsonObject().put("oms_user_id", ""),
                new JsonObject().putNull("oms_user_id"),
                new JsonObject().put("oms_user_id", 1.5),
                new JsonObject().put("oms_user_id", new JsonObject()));
    }

    @ParameterizedTest
    @MethodSource
    void customersWithoutUser(JsonObject claim) {
        answerTo(Issuer.token(Issuer.claims(subject, "customer").mergeIn(claim)))
                .statusCode(403)
                .body("detail", equalTo("The token has the role customer, but no user id in its claim oms_user_id."));
    }

    @Test
    void aSubjectMayUseItsRateAndNoMore() {
        Supplier<String> token = () -> Issuer.token(Issuer.claims(subject, "customer")
                .put("oms_user_id", 1)
                .put("jti", UUID.randomUUID().toString()));
        answerTo(token.get()).statusCode(200).header("RateLimit-Policy", "\"default\";q=20;w=1");

        // Of several tokens together.
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(1))
                .untilAsserted(() -> with(token.get())
                        .get("/orders?limit=1")
                        .then()
                        .statusCode(429)
                        .body("type", equalTo("https://iana.org/assignments/http-problem-types#quota-exceeded")));

        answerTo(Issuer.token(Issuer.claims("other-" + subject, "customer").put("oms_user_id", 1)))
                .statusCode(200);
    }

    // --- The issuer ---

    @Test
    @Tag("full")
    void aNewKeyOfTheIssuerReplacesTheOldOne() {
        JsonObject claims = Issuer.claims(subject, "admin");
        String old = Issuer.sign(claims, "RS256", "spare");
        answerTo(old).statusCode(200);

        Issuer.rotate("spare", "successor");

        await().atMost(PATIENCE)
                .pollInterval(Duration.ofSeconds(1))
                .untilAsserted(() ->
                        answerTo(Issuer.sign(claims, "RS256", "successor")).statusCode(200));
        // It is remembered for a while.
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofSeconds(1))
                .untilAsserted(() -> answerTo(old).statusCode(401));
    }

    @Test
    @Tag("full")
    void anIssuerThatIsDownIsNeededOnlyForNewKeys() {
        answerTo(Issuer.token(Issuer.claims(subject, "admin"))).statusCode(200);
        Issuer.down();
        try {
            answerTo(Issuer.token(Issuer.claims("other-" + subject, "admin"))).statusCode(200);
            answerTo(TestKeys.admin(ledger)).statusCode(200);
            await().atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(500))
                    .untilAsserted(() -> answerTo(Issuer.sign(
                                    claims(), "RS256", "new", Issuer.key("rsa").getPrivate()))
                            .statusCode(503)
                            .header("Retry-After", "1")
                            .body("detail", startsWith("The issuer of tokens cannot be reached")));
        } finally {
            Issuer.up();
        }
    }
}
