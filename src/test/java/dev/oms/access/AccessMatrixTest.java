package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.http.ExampleWorld;
import dev.oms.http.OpenApiDocument;
import dev.oms.http.OpenApiDocument.Call;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.builder.RequestSpecBuilder;
import io.restassured.response.Response;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who may make which call: every call of the OpenAPI document with every kind of key. */
@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
class AccessMatrixTest {
    /** The columns after those that are refused everywhere: each role, and a customer who is somebody else. */
    private static final List<String> ROLES =
            List.of("storefront", "warehouse", "operator", "admin", "customer", "other customer");

    private static final Map<String, String> TABLE = Stream.of("""
                                                   storefront warehouse operator admin customer other_customer
            POST /orders                           yes        yes       yes      yes   yes      404
            GET /orders                            yes        yes       yes      yes   yes      404
            GET /orders/{id}                       yes        yes       yes      yes   yes      404
            PUT /orders/{id}/update_status         yes        yes       yes      yes   403      403
            POST /orders/{id}/cancel               yes        yes       yes      yes   yes      404
            GET /orders/{id}/events                yes        yes       yes      yes   yes      404
            GET /order_statuses                    yes        yes       yes      yes   yes      yes
            GET /orders/{id}/movements             yes        yes       yes      yes   yes      404
            GET /users/{user_id}/orders            yes        yes       yes      yes   yes      404
            POST /inventory_items                  403        yes       yes      yes   403      403
            GET /inventory_items                   yes        yes       yes      yes   yes      yes
            POST /inventory_items/{id}/adjust      403        yes       yes      yes   403      403
            GET /inventory_items/{id}              yes        yes       yes      yes   yes      yes
            PUT /inventory_items/{id}              403        yes       yes      yes   403      403
            PATCH /inventory_items/{id}            403        yes       yes      yes   403      403
            DELETE /inventory_items/{id}           403        yes       yes      yes   403      403
            GET /inventory_items/{id}/movements    yes        yes       yes      yes   403      403
            POST /users                            yes        403       403      yes   403      403
            GET /users/{id}                        yes        403       yes      yes   403      403
            GET /inventory_items/audit             yes        yes       yes      yes   403      403
            POST /inventory_items/audit            403        yes       yes      yes   403      403
            GET /jobs                              403        403       yes      yes   403      403
            GET /jobs/failed                       403        403       yes      yes   403      403
            POST /jobs/failed/retry                403        403       yes      yes   403      403
            POST /jobs/failed/{order_id}/retry     403        403       yes      yes   403      403
            DELETE /jobs/failed/{order_id}         403        403       yes      yes   403      403
            GET /events                            yes        yes       yes      yes   yes      yes
            GET /flow                              403        403       yes      yes   403      403
            POST /api_keys                         403        403       403      yes   403      403
            GET /api_keys                          403        403       403      yes   403      403
            GET /api_keys/{id}                     403        403       403      yes   403      403
            GET /api_keys/current                  yes        yes       yes      yes   yes      yes
            POST /api_keys/{id}/roll               403        403       403      yes   403      403
            POST /api_keys/{id}/revoke             403        403       403      yes   403      403
            POST /webhooks                         403        403       yes      yes   403      403
            GET /webhooks                          403        403       yes      yes   403      403
            GET /webhooks/{id}                     403        403       yes      yes   403      403
            PATCH /webhooks/{id}                   403        403       yes      yes   403      403
            DELETE /webhooks/{id}                  403        403       yes      yes   403      403
            POST /webhooks/{id}/disable            403        403       yes      yes   403      403
            POST /webhooks/{id}/enable             403        403       yes      yes   403      403
            POST /webhooks/{id}/rotate_secret      403        403       yes      yes   403      403
            POST /webhooks/{id}/test               403        403       yes      yes   403      403
            POST /webhooks/{id}/replay             403        403       yes      yes   403      403
            GET /webhooks/{id}/attempts            403        403       yes      yes   403      403
            POST /webhooks/{id}/attempts/{attempt_id}/retry 403        403       yes      yes   403      403
            """.split("\n"))
            .skip(1)
            .collect(Collectors.toMap(
                    row -> String.join(" ", Arrays.copyOf(row.split(" +"), 2)),
                    row -> String.join(" ", Arrays.copyOfRange(row.split(" +"), 2, 8))));

    private final Ledger ledger = OmsServers.ledger();
    private final String admin = TestKeys.admin(ledger);
    private OpenApiDocument document;

    @BeforeEach
    void fetchDocument() {
        document = OpenApiDocument.fetch();
    }

    @AfterEach
    void sendNoKey() {
        RestAssured.requestSpecification = null;
    }

    @Test
    void everyCallHasARow() {
        assertThat(document.calls().stream().map(Call::toString)).containsExactlyInAnyOrderElementsOf(TABLE.keySet());
    }

    @Test
    void everyRoleMayDoWhatTheTableSays() {
        Map<String, String> seen = new TreeMap<>();
        for (Call call : document.calls()) {
            List<String> outcomes = new ArrayList<>();
            ExampleWorld world = null;
            for (String role : ROLES) {
                boolean isChanged = outcomes.contains("yes") && !call.method().equals("GET");
                if (world == null || isChanged) {
                    useKey(admin);
                    world = ExampleWorld.create(ledger);
                }
                outcomes.add(outcome(call, role, world));
            }
            seen.put(call.toString(), String.join(" ", outcomes));
        }

        assertThat(seen).isEqualTo(new TreeMap<>(TABLE));
    }

    private String outcome(Call call, String role, ExampleWorld world) {
        useKey(admin);
        Map<String, Object> parameters = parametersOf(call, world);
        String key =
                switch (role) {
                    case "customer" -> TestKeys.of(ledger, Role.customer, world.user());
                    case "other customer" -> TestKeys.of(ledger, Role.customer, Shop.user());
                    default -> TestKeys.of(ledger, Role.valueOf(role), null);
                };
        useKey(key);
        int status = call.isStream()
                ? statusOfStream(call, key)
                : send(call, parameters, world).statusCode();
        // Past the check, an example may still be refused: for a name that is taken, for instance.
        return List.of(401, 403, 404, 429).contains(status) || status >= 500 ? Integer.toString(status) : "yes";
    }

    @Test
    void everyCallNeedsAValidKey() {
        useKey(admin);
        ExampleWorld world = ExampleWorld.create(ledger);
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("none", null);
        keys.put("wrong checksum", admin.substring(0, admin.length() - 1) + (admin.endsWith("0") ? "1" : "0"));
        keys.put("unknown", KeySecret.create().value());
        keys.put("expired", TestKeys.of(ledger, "x", Role.admin.scopes(), null, "now() - interval '1 second'", "null"));
        keys.put("revoked", TestKeys.of(ledger, "x", Role.admin.scopes(), null, "null", "now()"));

        for (Call call : document.calls()) {
            useKey(admin);
            Map<String, Object> parameters = parametersOf(call, world);
            keys.forEach((kind, key) -> {
                useKey(key);
                // Now and then the address has sent too many invalid keys.
                Response response =
                        await().until(() -> send(call, parameters, world), answer -> answer.statusCode() != 429);

                assertThat(response.statusCode()).as("%s with %s", call, kind).isEqualTo(401);
                assertThat(response.header("WWW-Authenticate"))
                        .isEqualTo(key == null ? Authenticate.CHALLENGE : Authenticate.INVALID_TOKEN);
                assertThat(response.contentType()).isEqualTo("application/problem+json");
            });
        }
    }

    /** Does not wait for its end. */
    private static int statusOfStream(Call call, String key) {
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create(RestAssured.baseURI + ":" + RestAssured.port + call.path()))
                .header("Authorization", "Bearer " + key)
                .build();
        // Shut down at once: the stream would keep it from closing.
        HttpClient client = HttpClient.newHttpClient();
        try {
            return client.send(request, BodyHandlers.ofInputStream()).statusCode();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            client.shutdownNow();
        }
    }

    private static Map<String, Object> parametersOf(Call call, ExampleWorld world) {
        Map<String, Object> parameters = world.parametersOf(call);
        parameters.keySet().removeAll(List.of("If-Match", "If-None-Match"));
        return parameters;
    }

    private static Response send(Call call, Map<String, Object> parameters, ExampleWorld world) {
        return ExampleWorld.send(
                call,
                parameters,
                "application/json",
                world.bodyOf(ExampleWorld.bodies(call).getFirst()));
    }

    private static void useKey(String key) {
        // The builder would begin with what is there.
        RestAssured.requestSpecification = null;
        if (key != null) {
            RestAssured.requestSpecification = new RequestSpecBuilder()
                    .addHeader("Authorization", "Bearer " + key)
                    .build();
        }
    }
}
