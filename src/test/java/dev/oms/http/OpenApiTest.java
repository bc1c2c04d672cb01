package dev.oms.http;

import static io.restassured.RestAssured.given;
import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.access.Scopes;
import dev.oms.http.OpenApiDocument.Body;
import dev.oms.http.OpenApiDocument.Call;
import dev.oms.webhook.TestWebhooks;
import io.quarkus.security.PermissionsAllowed;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.spi.Bean;
import jakarta.enterprise.inject.spi.CDI;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Checks the hand-written OpenAPI document against the resources, and tries all of its examples and errors. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class OpenApiTest {
    private static final long UNKNOWN_ID = 999_999_999_999L;
    private static final String JSON = "application/json";

    private final Ledger ledger = OmsServers.ledger();

    private OpenApiDocument document;

    @BeforeEach
    void fetchDocument() {
        document = OpenApiDocument.fetch();
    }

    /** The items that the examples order. */
    @BeforeEach
    void putBurgersOnSale() {
        for (String name : List.of("burger", "fries")) {
            // Answered with 422 when it is already on sale.
            given().contentType(JSON)
                    .body(Map.of("name", name, "quantity", 1_000_000, "threshold", 50))
                    .post("/inventory_items");
        }
    }

    @Test
    @DisabledOnIntegrationTest("Needs the resource classes of the running process")
    void documentsEveryCallAndParameter() {
        List<String> documented = document.calls().stream()
                .map(call -> call + " " + names(call.parameters()))
                .toList();

        assertThat(documented).isNotEmpty().containsExactlyInAnyOrderElementsOf(callsOfTheResources());
    }

    @Test
    @DisabledOnIntegrationTest("Needs the resource classes of the running process")
    void namesTheScopeOfEveryCall() {
        Map<String, String> documented = document.calls().stream().collect(toMap(Call::toString, Call::scope));

        assertThat(documented)
                .isEqualTo(resourceMethods()
                        .flatMap(method -> verbs(method).map(verb -> Map.entry(verb + " " + path(method), method)))
                        .collect(toMap(Map.Entry::getKey, call -> scope(call.getValue()), OpenApiTest::theSame)));
    }

    /** Of two methods for one call, which differ in what they produce. */
    private static String theSame(String scope, String other) {
        assertThat(other).isEqualTo(scope);
        return scope;
    }

    @Test
    @DisabledOnIntegrationTest("Compares classes; HttpMetricsTest checks the metrics of the process")
    void metersEveryPath() {
        assertThat(HttpMetrics.PATHS)
                .containsAll(document.calls().stream().map(Call::path).toList());
    }

    @Test
    void describesEveryCall() {
        for (Call call : document.calls()) {
            assertThat(call.operation().path("summary").asText()).as("%s", call).isNotBlank();
            assertThat(call.operation().path("description").asText())
                    .as("%s", call)
                    .isNotBlank();
            assertThat(document.tags())
                    .as("%s", call)
                    .contains(call.operation().at("/tags/0").asText());
            assertThat(call.parameters())
                    .as("%s", call)
                    .allMatch(parameter -> parameter.has("description")
                            // Swagger UI would send the example of an optional parameter.
                            && parameter.has("example")
                                    == parameter.path("required").asBoolean());
            // An unknown query parameter is a 400 everywhere.
            assertThat(call.nonSuccessStatuses()).as("%s", call).contains(400, 401, 403, 429, 503);
            if (call.path().contains("{")) {
                assertThat(call.nonSuccessStatuses()).as("%s", call).contains(404);
            }
            if (call.hasBody()) {
                assertThat(call.nonSuccessStatuses()).as("%s", call).contains(408, 411, 413, 415, 422);
            }
        }
    }

    @Test
    void hasValidExamplesForEveryBody() {
        for (Call call : document.calls()) {
            if (call.hasBody()) {
                assertValidExamples(call.toString(), call.body());
                // Wrapped and bare.
                assertThat(call.body().schema().path("oneOf"))
                        .as("%s", call)
                        .allMatch(schema ->
                                call.body().examples().stream().anyMatch(example -> Body.fits(schema, example)));
            }
            for (int status : call.statuses()) {
                if (status != 204 && status != 304) {
                    assertValidExamples(call + ": " + status, call.body(status));
                }
            }
        }
    }

    private static void assertValidExamples(String what, Body body) {
        assertThat(body.examples()).as(what).isNotEmpty().allMatch(body::fits);
    }

    @Test
    void everyExampleWorks() {
        for (Call call : document.calls()) {
            if (call.isStream()) {
                // Covered by FlowResourceTest; here it would not end.
                continue;
            }
            for (String body : ExampleWorld.bodies(call)) {
                ExampleWorld world = ExampleWorld.create(ledger);
                Map<String, Object> parameters = world.parametersOf(call);

                Response response = ExampleWorld.send(call, parameters, JSON, world.bodyOf(body));
                if (parameters.containsKey(IdempotencyKey.HEADER)) {
                    // Only a replay has all the headers.
                    response = ExampleWorld.send(call, parameters, JSON, world.bodyOf(body));
                }

                assertDocumented(call, call.success(), response);
            }
        }
    }

    @Test
    void everyDocumentedErrorOccurs() {
        ExampleWorld world = ExampleWorld.create(ledger);
        Shop.update(world.order(), "Delivered").then().statusCode(200);

        for (Call call : document.calls()) {
            for (int status : call.nonSuccessStatuses()) {
                // 408 would need ten seconds (OverloadTest), 411 HTTP/2 (Http2BodyTest), 503 a database outage; keys
                // are
                // needed in AccessTest.
                boolean needsKeys =
                        status == 401 || status == 403 && call.method().equals("GET") || status == 429;
                if (!needsKeys && status != 408 && status != 411 && status != 503) {
                    assertDocumented(call, status, provoke(status, call, world));
                }
            }
        }
    }

    /** Sends a call that gets a given status, for an order that has been delivered. */
    private static Response provoke(int status, Call call, ExampleWorld world) {
        Map<String, Object> parameters = world.parametersOf(call);
        String type = JSON;
        String body = world.bodyOf(ExampleWorld.bodies(call).getFirst());
        switch (status) {
            case 304 -> parameters.replace(IfNoneMatch.HEADER, "*");
            case 400 -> {
                if (body == null && parameters.isEmpty()) {
                    return given().queryParam("unknown", 1).request(call.method(), call.path());
                }
                body = body == null ? null : "{";
                parameters.replace("id", "one");
                parameters.replace("order_id", "one");
                parameters.replace("limit", 0);
            }
            case 403 -> {
                return given().header("Sec-Fetch-Site", "cross-site")
                        .request(call.method(), call.path().replaceAll("[{}]", ""));
            }
            case 404 -> {
                parameters.replace("id", UNKNOWN_ID);
                parameters.replace("user_id", UNKNOWN_ID);
                parameters.replace("order_id", UNKNOWN_ID);
                body = body == null ? null : body.replaceAll("(\"user_id\":)\\d+", "$1" + UNKNOWN_ID);
            }
            case 409 -> {
                parameters.replace("order_id", ExampleWorld.JOB_WITHOUT_ORDER);
                if (call.path().startsWith("/api_keys")) {
                    given().post("/api_keys/{id}/revoke", world.key());
                }
                if (call.path().startsWith("/webhooks")) {
                    given().post("/webhooks/{id}/disable", world.webhook());
                }
                if (call.path().equals("/webhooks")) {
                    TestWebhooks.fill(OmsServers.ledger());
                }
            }
            case 410 -> parameters.replace("after", "AAAAAAAAAAEAAAAAAAAAAg");
            case 412 -> parameters.replace(IfMatch.HEADER, "\"another\"");
            case 413 -> body = " ".repeat(1 << 20) + body;
            case 415 -> {
                type = "text/plain";
                body = body == null ? "nonsense" : body;
            }
            case 422 -> body = "{\"nonsense\":1}";
            default -> throw new AssertionError("No way to provoke " + status);
        }
        return ExampleWorld.send(call, parameters, type, body);
    }

    private static void assertDocumented(Call call, int status, Response response) {
        String what = call + " answered " + response.statusLine() + " " + response.asString();
        assertThat(response.statusCode()).as(what).isEqualTo(status);
        assertThat(call.headers(status)).as(what).allMatch(response.headers()::hasHeaderWithName);
        if (!call.hasBody(status)) {
            assertThat(response.asString()).as(what).isEmpty();
            return;
        }
        Body documented = call.body(status);
        JsonNode body = OpenApiDocument.read(response.asString());
        assertThat(response.contentType()).as(what).startsWith(documented.mediaType());
        assertThat(!body.isEmpty() && documented.fits(body)).as(what).isTrue();
        if (status >= 400) {
            assertThat(documented.mediaType()).as(what).isEqualTo(Problem.MEDIA_TYPE);
            assertThat(documented.examples())
                    .as(what)
                    .allMatch(example -> example.path("status").equals(body.path("status"))
                            && example.path("title").equals(body.path("title")));
        }
    }

    /** The calls that the resources of the running application implement. */
    private static Stream<Method> resourceMethods() {
        return CDI.current().getBeanManager().getBeans(Object.class, Any.Literal.INSTANCE).stream()
                .map(Bean::getBeanClass)
                .filter(type -> type.isAnnotationPresent(Path.class))
                .flatMap(type -> Arrays.stream(type.getDeclaredMethods()));
    }

    private static List<String> callsOfTheResources() {
        return resourceMethods()
                .flatMap(method -> verbs(method).map(verb -> verb + " " + path(method) + " " + parameterNames(method)))
                // Two methods for one call differ in what they produce.
                .distinct()
                .toList();
    }

    /** The scope that a method needs, or "" when any key will do. */
    private static String scope(Method method) {
        PermissionsAllowed allowed = method.getAnnotation(PermissionsAllowed.class);
        return allowed == null
                ? ""
                : Arrays.stream(allowed.value())
                        .filter(permission -> !permission.equals(Scopes.ALL_USERS))
                        .collect(joining(" "));
    }

    private static Stream<String> verbs(Method method) {
        return Arrays.stream(method.getAnnotations())
                .map(annotation -> annotation.annotationType().getAnnotation(HttpMethod.class))
                .filter(Objects::nonNull)
                .map(HttpMethod::value);
    }

    private static String path(Method method) {
        Path own = method.getAnnotation(Path.class);
        return method.getDeclaringClass().getAnnotation(Path.class).value() + (own == null ? "" : own.value());
    }

    private static List<String> parameterNames(Method method) {
        return Arrays.stream(method.getParameters())
                .flatMap(parameter -> parameter.isAnnotationPresent(BeanParam.class)
                        ? Arrays.stream(parameter.getType().getDeclaredFields())
                        : Stream.of(parameter))
                .flatMap(OpenApiTest::parameterName)
                .sorted()
                .toList();
    }

    private static Stream<String> parameterName(AnnotatedElement parameter) {
        return Arrays.stream(parameter.getAnnotations()).flatMap(annotation -> switch (annotation) {
            case PathParam path -> Stream.of(path.value());
            case QueryParam query -> Stream.of(query.value());
            case HeaderParam header -> Stream.of(header.value());
            default -> Stream.empty();
        });
    }

    private static List<String> names(List<JsonNode> parameters) {
        return parameters.stream()
                .map(parameter -> parameter.path("name").asText())
                .sorted()
                .toList();
    }
}
