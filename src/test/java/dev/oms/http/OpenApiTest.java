package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.http.OpenApiDocument.Body;
import dev.oms.http.OpenApiDocument.Call;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
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
import java.util.HashMap;
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
            assertThat(call.nonSuccessStatuses()).as("%s", call).contains(400, 503);
            if (!call.method().equals("GET")) {
                assertThat(call.nonSuccessStatuses()).as("%s", call).contains(403);
            }
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
                // Covered by EventResourceTest; here it would not end.
                continue;
            }
            for (String body : bodies(call)) {
                World world = World.create(ledger);
                Map<String, Object> parameters = world.parametersOf(call);

                Response response = send(call, parameters, JSON, world.bodyOf(body));
                if (parameters.containsKey(IdempotencyKey.HEADER)) {
                    // Only a replay has all the headers.
                    response = send(call, parameters, JSON, world.bodyOf(body));
                }

                assertDocumented(call, call.success(), response);
            }
        }
    }

    @Test
    void everyDocumentedErrorOccurs() {
        World world = World.create(ledger);
        Shop.update(world.order(), "Delivered").then().statusCode(200);

        for (Call call : document.calls()) {
            for (int status : call.nonSuccessStatuses()) {
                // 408 would need ten seconds (OverloadTest), 411 HTTP/2 (Http2BodyTest), 503 a database outage.
                if (status != 408 && status != 411 && status != 503) {
                    assertDocumented(call, status, provoke(status, call, world));
                }
            }
        }
    }

    /** Sends a call that gets a given status, for an order that has been delivered. */
    private static Response provoke(int status, Call call, World world) {
        Map<String, Object> parameters = world.parametersOf(call);
        String type = JSON;
        String body = world.bodyOf(bodies(call).getFirst());
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
            case 409 -> parameters.replace("order_id", World.JOB_WITHOUT_ORDER);
            case 412 -> parameters.replace(IfMatch.HEADER, "\"another\"");
            case 413 -> body = " ".repeat(1 << 20) + body;
            case 415 -> {
                type = "text/plain";
                body = body == null ? "nonsense" : body;
            }
            case 422 -> body = "{\"nonsense\":1}";
            default -> throw new AssertionError("No way to provoke " + status);
        }
        return send(call, parameters, type, body);
    }

    /** A call's example bodies, or null when it has none. */
    private static List<String> bodies(Call call) {
        return call.hasBody()
                ? call.body().examples().stream().map(JsonNode::toString).toList()
                : Arrays.asList((String) null);
    }

    private static Response send(Call call, Map<String, Object> parameters, String type, String body) {
        RequestSpecification request = given();
        for (JsonNode parameter : call.parameters()) {
            String name = parameter.path("name").asText();
            if (parameters.get(name) == null) {
                continue;
            }
            switch (parameter.path("in").asText()) {
                case "path" -> request.pathParam(name, parameters.get(name));
                case "query" -> request.queryParam(name, parameters.get(name));
                default -> request.header(name, parameters.get(name));
            }
        }
        if (body != null) {
            request.contentType(type).body(body);
        }
        return request.request(call.method(), call.path());
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

    /**
     * A user with two confirmed orders for an item, which is one of two items below their thresholds; and two dead
     * jobs, one of an order that does not exist, the other without an order.
     */
    private record World(long user, long item, long order, long deadJob) {
        static final long JOB_WITHOUT_ORDER = -1;

        static World create(Ledger ledger) {
            String name = Shop.uniqueName();
            Shop.item(Shop.uniqueName(), 5, 10);
            long item = Shop.item(name, 5, 10);
            long user = Shop.user();
            long first = Shop.order(user, Map.of(name, 1));
            long second = Shop.order(user, Map.of(name, 1));
            Shop.settled(first);
            Shop.settled(second);
            long deadJob = 1_000_000_000 + second;
            ledger.execute("truncate failed_jobs");
            ledger.execute("insert into failed_jobs select unnest(array[%d, %d]), 25, 'no', null, now()"
                    .formatted(deadJob, JOB_WITHOUT_ORDER));
            return new World(user, item, second, deadJob);
        }

        /** An example body, with the user of this world. */
        String bodyOf(String example) {
            return example == null ? null : example.replaceAll("(\"user_id\":)\\d+", "$1" + user);
        }

        /** The examples of a call's parameters, with the ids of this world and one row per page. */
        Map<String, Object> parametersOf(Call call) {
            Map<String, Object> values = new HashMap<>();
            for (JsonNode parameter : call.parameters()) {
                String name = parameter.path("name").asText();
                values.put(
                        name,
                        switch (name) {
                            case "id" -> idFor(call.path());
                            case "user_id" -> user;
                            case "status" -> "Confirmed";
                            case "below_threshold", "dead" -> true;
                            case "sort" -> "low_stock";
                            case Actor.HEADER -> "warehouse 7";
                            case IdempotencyKey.HEADER -> "8e03978e";
                            case IfNoneMatch.HEADER -> "\"0\"";
                            case "order_id" -> deadJob;
                            case "limit" -> 1;
                            // A filter by name would leave no second page.
                            case "name" -> null;
                            case IfMatch.HEADER -> tagFor(call.path());
                            // Orders and movements are listed by descending id, everything else by ascending.
                            case "after" ->
                                call.path().matches(".*(orders|movements)") ? Long.MAX_VALUE : Long.MIN_VALUE;
                            default -> parameter.path("example").asText();
                        });
            }
            return values;
        }

        /** The current ETag of the resource that a call changes. */
        private String tagFor(String path) {
            return given().get("/{things}/{id}", path.split("/")[1], idFor(path))
                    .then()
                    .statusCode(200)
                    .extract()
                    .header("ETag");
        }

        private long idFor(String path) {
            return switch (path.split("/")[1]) {
                case "orders" -> order;
                case "inventory_items" -> item;
                case "users" -> user;
                default -> throw new AssertionError("No id for " + path);
            };
        }
    }

    /** The calls that the resources of the running application implement. */
    private List<String> callsOfTheResources() {
        return CDI.current().getBeanManager().getBeans(Object.class, Any.Literal.INSTANCE).stream()
                .map(Bean::getBeanClass)
                .filter(type -> type.isAnnotationPresent(Path.class))
                .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                .flatMap(method -> verbs(method).map(verb -> verb + " " + path(method) + " " + parameterNames(method)))
                .toList();
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
