package dev.oms.http;

import static io.restassured.RestAssured.given;

import com.fasterxml.jackson.databind.JsonNode;
import dev.oms.Ledger;
import dev.oms.Shop;
import dev.oms.http.OpenApiDocument.Call;
import dev.oms.webhook.TestWebhooks;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A user with two confirmed orders for an item; two items that are out of stock; two dead jobs, one of an order that
 * does not exist, the other without an order; and two webhooks, one with two attempts.
 */
public record ExampleWorld(
        long user, long item, long order, long deadJob, long key, long webhook, long attempt, String event) {
    static final long JOB_WITHOUT_ORDER = -1;

    public static ExampleWorld create(Ledger ledger) {
        String name = Shop.uniqueName();
        Shop.item(Shop.uniqueName(), 0, 10);
        Shop.item(Shop.uniqueName(), 0, 10);
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
        long key = Long.parseLong(ledger.texts("""
                insert into api_keys (name, hint, digest, scopes, created_by, created_at)
                values ('example', 'oms_1234', sha256(uuidv4()::text::bytea), '{orders:read}', 'api', now())
                returning id""").getFirst());
        TestWebhooks.deleteAll(ledger);
        TestWebhooks.add(ledger, "https://shop.example/1");
        long webhook = TestWebhooks.add(ledger, "https://shop.example/2");
        long position = TestWebhooks.lastEvent(ledger);
        TestWebhooks.attempt(ledger, webhook, position, false, "oops");
        long attempt = TestWebhooks.attempt(ledger, webhook, position, false, "oops");
        String event = TestWebhooks.eventId(ledger, position);
        return new ExampleWorld(user, item, second, deadJob, key, webhook, attempt, event);
    }

    /** An example body, with the user and an event of this world. */
    public String bodyOf(String example) {
        return example == null
                ? null
                : example.replaceAll("(\"user_id\":)\\d+", "$1" + user)
                        .replaceAll("(\"after\":)\"[^\"]*\"", "$1\"" + event + "\"");
    }

    /** The examples of a call's parameters, with the ids of this world and one row per page. */
    public Map<String, Object> parametersOf(Call call) {
        Map<String, Object> values = new HashMap<>();
        for (JsonNode parameter : call.parameters()) {
            String name = parameter.path("name").asText();
            values.put(
                    name,
                    switch (name) {
                        case "id" -> idFor(call.path());
                        case "user_id" -> user;
                        case "status" -> "Confirmed";
                        case "below_threshold", "out_of_stock", "dead" -> true;
                        case "sort" -> "low_stock";
                        case Actor.HEADER -> "warehouse 7";
                        case IdempotencyKey.HEADER -> "8e03978e";
                        case IfNoneMatch.HEADER -> "\"0\"";
                        case WaitPreference.HEADER -> "wait=1";
                        case "order_id" -> deadJob;
                        case "attempt_id" -> attempt;
                        case "outcome" -> "failed";
                        case "limit" -> 1;
                        // A filter would leave no second page.
                        case "name", "types" -> null;
                        // Optional, and without an example.
                        case "wait", "Last-Event-ID" -> null;
                        case IfMatch.HEADER -> tagFor(call.path());
                        // Orders and movements are listed by descending id, everything else by ascending.
                        case "after" ->
                            call.path().equals("/events")
                                    ? null
                                    : call.path().matches(".*(orders|movements|api_keys|webhooks|attempts)")
                                            ? Long.MAX_VALUE
                                            : Long.MIN_VALUE;
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
            case "api_keys" -> key;
            case "webhooks" -> webhook;
            default -> throw new AssertionError("No id for " + path);
        };
    }

    /** A call's example bodies, or null when it has none. */
    public static List<String> bodies(Call call) {
        return call.hasBody()
                ? call.body().examples().stream().map(JsonNode::toString).toList()
                : Arrays.asList((String) null);
    }

    public static Response send(Call call, Map<String, Object> parameters, String type, String body) {
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
}
